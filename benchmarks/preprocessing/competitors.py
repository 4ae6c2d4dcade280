"""Us and the peers that preprocess: the command of each, and what of its output must equal ours."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness.processes import ROOT
from benchmarks.harness.report import OURS

_REQUIREMENTS = Path(__file__).parent.parent / "peers" / "requirements.txt"
_TFT_VOCABULARY = "transform/transform_fn/assets/vocabulary"


class Competitor(NamedTuple):
    """module: of benchmarks.peers, None for us; vocabulary: the path of its word list below its output; same_ids:
    whether its records must equal ours, id for id; in_own_environment: whether it needs peers/requirements.txt."""

    name: str
    module: str | None
    vocabulary: str = "vocabulary.txt"
    same_ids: bool = False
    in_own_environment: bool = False


COMPETITORS = (
    Competitor(OURS, None),
    Competitor("plain TFT, instance dicts", "plain_tft", vocabulary=_TFT_VOCABULARY),
    Competitor("plain TFT, RecordBatches", "tft_record_batches", vocabulary=_TFT_VOCABULARY),
    Competitor("Keras TextVectorization", "text_vectorization"),
    Competitor("Keras Tokenizer", "keras_tokenizer", same_ids=True),
    Competitor("Hugging Face tokenizers", "hugging_face", in_own_environment=True),
    Competitor("Beam MLTransform", "beam_mltransform"),
)


def command(competitor: Competitor, path: Path, output: Path) -> list[str]:
    """The command line of a competitor.

    Ours splits at spaces alone, as Keras's Tokenizer does, so that ids can be compared one by one. Our default would
    split at all white space.
    """
    if competitor.module is None:
        settings = {"input.path": path, "output.path": output, "split.column": "split", "text.split": "space"}
        options = [text for name, value in settings.items() for text in (f"--{name}", str(value))]
        return [sys.executable, "-m", "pipeline", "run", *options]
    python = environment_of_peers() if competitor.in_own_environment else sys.executable
    return [python, "-m", f"benchmarks.peers.{competitor.module}", str(path), str(output)]


def environment_of_peers() -> str:
    """The Python of .venv-benchmarks, which has the packages of this environment and those that only peers need.

    Raises:
      CalledProcessError: the packages can't be installed.
    """
    folder = ROOT / ".venv-benchmarks"
    python = str(folder / "bin" / "python")
    done = folder / "installed"
    wanted = f"{sys.prefix}\n{_REQUIREMENTS.read_text()}"
    if not done.exists() or done.read_text() != wanted:
        venv.create(folder, clear=True, with_pip=True)
        site = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
        Path(site, "product.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*install, "-r", str(_REQUIREMENTS)], check=True, env={**os.environ, "PYTHONPATH": ""})
        done.write_text(wanted)
    return python
