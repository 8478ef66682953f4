[build-system]
requires = ["hatchling>=1.26"]
build-backend = "hatchling.build"

[project]
name = "{{module}}"
version = "0.1.0"
description = "{{name}}: a deployment of Kittiwake."
requires-python = ">=3.11"
# Kittiwake itself is installed by the Makefile, from where it says.
dependencies = ["kittiwake"]

[project.optional-dependencies]
dev = ["kittiwake[ground,testing]", "mypy>=1.13", "pytest-timeout>=2.3", "ruff>=0.9"]

[tool.hatch.build.targets.wheel]
packages = ["{{module}}"]

# `kittiwake new component` and `kittiwake new topology` write into this project.
[tool.kittiwake]
package = "{{module}}"

[tool.ruff]
line-length = 120
target-version = "py311"
src = ["."]

[tool.ruff.lint]
select = ["E", "W", "F", "I", "UP", "B", "SIM", "RUF", "PT", "C4", "C90", "A", "BLE", "PIE", "RET", "N"]

[tool.ruff.lint.isort]
known-first-party = ["{{module}}"]
known-third-party = ["kittiwake", "kittiwake_components"]

[tool.mypy]
strict = true
explicit_package_bases = true
files = ["{{module}}", "tests"]
enable_error_code = ["ignore-without-code", "redundant-expr", "truthy-bool"]

[tool.pytest.ini_options]
addopts = "--import-mode=importlib --strict-markers --strict-config -ra"
testpaths = ["tests"]
pythonpath = ["."]
filterwarnings = ["error"]
timeout = 60
xfail_strict = true
