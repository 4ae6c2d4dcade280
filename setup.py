"""The package; requirements.lock pins what it is developed and tested with."""

from setuptools import find_packages, setup

setup(
    name="textrecords",
    version="0.1.0",
    description="Labelled text to TFRecords, a trained Embedding-LSTM and a SavedModel that takes raw text",
    python_requires=">=3.10,<3.14",
    packages=find_packages(include=["pipeline", "pipeline.*", "trainer", "trainer.*"]),
    package_data={"pipeline.html": ["*.css", "*.js"]},
    install_requires=[
        "apache-beam>=2.70,<3",
        "bokeh>=3.8,<4",
        "deflate>=0.9,<0.10",
        "google-crc32c>=1.5,<2",
        "keras>=3.12,<4",
        "numpy>=1.26,<3",
        "orjson>=3.9,<4",
        "protobuf>=4.21,<8",
        "pyarrow>=16,<26",
        "pydantic>=2.11,<3",
        "pyyaml>=6,<7",
        "rich>=13,<16",
        "tensorboard>=2.20,<2.22",
        "tensorflow>=2.21,<2.22",
        "tensorflow-serving-api>=2.19,<2.22",
        "tensorflow-transform>=1.21,<1.22",
        "typing-extensions>=4.6,<5",
        "xxhash>=3.4,<5",
        "zstandard>=0.22,<1",
    ],
    extras_require={
        "test": [
            "boto3>=1.34,<2",
            "gcp-storage-emulator>=2026.7",
            "hypothesis>=6.100",
            "moto[server]>=5.1,<6",
            "mypy>=1.15",
            "pytest>=8",
            "pytest-xdist>=3.5",
            "ruff>=0.9",
            "setuptools>=77",
            "types-PyYAML>=6",
        ],
        # tensorflow-transform brings this one with it already.
        "gcp": ["apache-beam[gcp]>=2.70,<3"],
        "aws": ["apache-beam[aws]>=2.70,<3"],
        "azure": ["apache-beam[azure]>=2.70,<3"],
        "hadoop": ["apache-beam[hadoop]>=2.70,<3"],
    },
    classifiers=["Programming Language :: Python :: 3", "Topic :: Scientific/Engineering :: Artificial Intelligence"],
)
