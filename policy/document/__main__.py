"""`python -m policy.document` prints the JSON Schema that is shipped as `policy/policy.schema.json`."""

import json

from policy.document import json_schema

if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
