"""The options of Beam that people use most, for --help: plain data, so that --help needs no Beam."""

from typing import Final

from pipeline.config.parser import HelpOption, OptionGroup

_FILESYSTEM_OPTIONS: Final = (
    HelpOption("--s3_endpoint_url", "URL", "s3://: the address of a store that is not Amazon's"),
    HelpOption("--s3_region_name", "NAME", "s3://: the region of the bucket"),
    HelpOption("--hdfs_host", "HOST", "hdfs://: the name node; --hdfs_port and --hdfs_user go with it"),
    HelpOption("--azure_connection_string", "TEXT", "azfs://: the storage account"),
)

_ALL: Final = "All: https://beam.apache.org/releases/pydoc/current/apache_beam.options.pipeline_options.html"

JOB_OPTIONS: Final = OptionGroup(
    "options of Beam",
    "[Beam options]",
    "An option that is not listed above and has no dot in its name is handed on to Beam as it is.\n"
    f"Without any, the job runs on this machine, a worker a core. The common ones are below.\n{_ALL}",
    (
        HelpOption("--runner", "NAME", "FnApiRunner (this machine), DataflowRunner, FlinkRunner, SparkRunner ..."),
        HelpOption("--direct_num_workers", "N", "this machine: number of workers; 0: one a core"),
        HelpOption(
            "--direct_running_mode", "MODE", "this machine: in_memory (threads) or multi_processing (for large inputs)"
        ),
        HelpOption(
            "--temp_location", "DIR", "a folder for unfinished files that all workers reach; Dataflow: on gs://"
        ),
        HelpOption("--project", "ID", "Dataflow: the Google Cloud project that pays"),
        HelpOption("--region", "NAME", "Dataflow: where the workers run"),
        HelpOption("--max_num_workers", "N", "Dataflow: the most workers"),
        HelpOption("--dataflow_service_options", "NAME", "Dataflow: an option of the service; may be repeated"),
        HelpOption("--flink_master", "HOST:PORT", "Flink: the cluster"),
        HelpOption("--spark_master_url", "URL", "Spark: the cluster"),
        HelpOption("--sdk_container_image", "IMAGE", "workers elsewhere: an image that has this package (make image)"),
        HelpOption(
            "--setup_file", "./setup.py", "workers elsewhere, for a trial: each installs the package when it starts"
        ),
        *_FILESYSTEM_OPTIONS,
    ),
)

FILESYSTEM_OPTIONS: Final = OptionGroup(
    "options of Beam",
    "[Beam options]",
    "For folders that are not on this machine (gs://, s3://, hdfs://, azfs://). An option that is not\n"
    f"listed above is handed on to Beam's filesystems as it is. The common ones are below.\n{_ALL}",
    _FILESYSTEM_OPTIONS,
)
