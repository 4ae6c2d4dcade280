"""Google's launcher of Flex Templates runs this file (FLEX_TEMPLATE_PYTHON_PY_FILE)."""

from pipeline.flex_template import run

if __name__ == "__main__":
    run()
