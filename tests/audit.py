"""Looks up the pinned dependencies for known vulnerabilities, with pip-audit; says so and is content where it cannot.

Run as a program. Exit status: 0 none is known, or nobody could be asked; 1 there are some.
"""

import json
import subprocess
import sys
from pathlib import Path

CONSTRAINTS = Path(__file__).parent.parent / "deploy" / "constraints.txt"
PATIENCE = 120  # seconds


def audit() -> tuple[int, str]:
    """Return the exit status and what to say."""
    command = ["-m", "pip_audit", "--requirement", str(CONSTRAINTS), "--no-deps", "--disable-pip", "--format", "json"]
    try:
        done = subprocess.run(
            [sys.executable, *command, "--progress-spinner", "off"],
            capture_output=True,
            check=False,
            timeout=PATIENCE,
        )
        found = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError) as error:
        return 0, f"the dependencies could not be audited: {type(error).__name__}"
    bad = {each["name"]: [vuln["id"] for vuln in each["vulns"]] for each in found if each.get("vulns")}
    if bad:
        return 1, "\n".join(f"{name}: {', '.join(numbers)}" for name, numbers in sorted(bad.items()))
    unknown = sum("skip_reason" in each for each in found)
    return 0, f"{len(found) - unknown} dependencies audited, none vulnerable; {unknown} could not be looked up"


if __name__ == "__main__":
    status, text = audit()
    print(text)
    sys.exit(status)
