"""The FuseSoC core file of a package: CAPI 2."""

from accel.package.network_c import c_name
from accel.package.plan import Plan
from accel.version import version


def core_file(plan: Plan) -> str:
    """Return NAME.core."""
    number = ".".join(version().split("+")[0].split(".")[:3])
    params = plan.program.params
    return f"""CAPI=2:
name: "::accelerator_{c_name(plan)}:{number}"
description: "CNN accelerator of {params.rows} x {params.cols}, with AXI4 and AXI4-Lite"

filesets:
  rtl:
    files:
      - rtl/accelerator.v: {{file_type: verilogSource}}

targets:
  default: &default
    filesets: [rtl]
    toplevel: accelerator_axi
  lint:
    <<: *default
    flow: lint
    flow_options:
      tool: verilator
"""
