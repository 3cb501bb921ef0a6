"""A SCIM client as an identity provider has one: does one thing and prints the answer as JSON.

Arguments: base address, token, file of trusted certificates, what to do (JSON). With `check` it runs the whole of
scim2-tester and answers with what was not right.
"""

import json
import socket
import ssl
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import PatchOp, PatchOperation
from scim2_tester import Status, check_server

base, token, ca, command = sys.argv[1:5]

# Names under .localhost are this machine (RFC 6761 section 6.3), which not every resolver knows.
lookup = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: lookup(
    "127.0.0.1" if str(host).endswith(".localhost") else host, *rest, **more
)

trusted = ssl.create_default_context(cafile=ca)
http = Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, verify=trusted, timeout=60)


def client():
    scim = SyncSCIMClient(http)
    scim.discover()
    return scim


def model(scim, kind):
    return scim.get_resource_model(kind)


def patched(scim, kind, id, operations):
    resource = model(scim, kind)
    patch = PatchOp[resource](
        operations=[PatchOperation[resource](**operation) for operation in operations]
    )
    answer = scim.modify(resource, id, patch)
    return None if answer is None else answer.model_dump()


def run(command):
    match command["do"]:
        case "check":
            results = check_server(SyncSCIMClient(http))
            bad = [
                {"title": r.title, "status": r.status.name, "reason": r.reason, "kind": r.resource_type}
                for r in results
                if r.status not in (Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE, Status.SKIPPED)
            ]
            skipped = [r.reason for r in results if r.status == Status.SKIPPED]
            return {"count": len(results), "bad": bad, "skipped": skipped}
        case "create":
            scim = client()
            resource = model(scim, command["kind"])
            return scim.create(resource(**command["with"])).model_dump()
        case "find":
            scim = client()
            found = scim.query(model(scim, command["kind"]), query_parameters={"filter": command["filter"]})
            return found.model_dump()
        case "patch":
            return patched(client(), command["kind"], command["id"], command["operations"])
        case "delete":
            scim = client()
            scim.delete(model(scim, command["kind"]), command["id"])
            return None


try:
    answer = {"ok": run(json.loads(command))}
except Exception as error:  # told to the test
    answer = {"failed": f"{type(error).__name__}: {error}"}
print(json.dumps(answer, default=str))
