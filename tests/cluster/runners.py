"""A runner for two worker pools: Prism gives each environment one worker, so a second pool is a second environment."""

from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.portable_runner import PortableRunner
from apache_beam.transforms.environments import ExternalEnvironment


class TwoPoolsRunner(PortableRunner):
    """PortableRunner with `--environment_config=ADDRESS,ADDRESS`: every other step goes to the second pool.

    No two neighbouring steps are fused then, so all that passes between steps is encoded and crosses pools.
    """

    @staticmethod
    def _optimize_pipeline(
        proto_pipeline: beam_runner_api_pb2.Pipeline, options: PipelineOptions
    ) -> beam_runner_api_pb2.Pipeline:
        optimized = PortableRunner._optimize_pipeline(proto_pipeline, options)
        components = optimized.components
        addresses = options.view_as(PortableOptions).environment_config.split(",")
        (only,) = [name for name, found in components.environments.items() if found.urn == "beam:env:external:v1"]
        names = [only, f"{only}-second"]
        original = components.environments[only]
        for name, address in zip(names, addresses, strict=True):
            external = ExternalEnvironment(address).to_runner_api(None)
            copy = components.environments[name]
            copy.CopyFrom(original)
            copy.payload = external.payload
        steps = [name for name, step in sorted(components.transforms.items()) if step.environment_id == only]
        for place, name in enumerate(steps):
            components.transforms[name].environment_id = names[place % 2]
        return optimized
