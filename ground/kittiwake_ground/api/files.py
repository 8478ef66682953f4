"""Routes: files up and down, and the folders of a deployment."""
# ruff: noqa: TC001 - FastAPI reads the annotations at run time

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse

from kittiwake_ground.api.access import DeploymentHere, GroundHere, Operator, source_of
from kittiwake_ground.api.acting import WaitS
from kittiwake_ground.api.bodies import FolderBody, RemoteBody
from kittiwake_ground.api.problems import Problem
from kittiwake_ground.server.deployment import Deployment
from kittiwake_ground.server.transfers import Transfer
from kittiwake_ground.server.views import listing_object, transfer_object

router = APIRouter(tags=["files"])

Remote = Annotated[str, Query(min_length=1, max_length=255, description="the file's name in the deployment")]


@router.post(
    "/deployments/{deployment}/uploads",
    status_code=202,
    openapi_extra={
        "requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
    },
)
async def upload(
    here: DeploymentHere,
    remote: Remote,
    request: Request,
    person: Operator,
    ground: GroundHere,
    name: Annotated[str, Query(max_length=255)] = "",
    way: Literal["packets", "cfdp"] = "packets",
) -> dict[str, Any]:
    """Brings the body to the deployment as a file: in file packets to any place, or by CFDP to its inbox."""
    content = await request.body()
    upload = here.upload_by_cfdp if way == "cfdp" else here.transfers.upload
    transfer = upload(content, remote, person.name, name)
    ground.audit.add(person.name, "upload", here.name, f"{remote}, {len(content)} bytes", source_of(request))
    return transfer_object(transfer)


@router.post("/deployments/{deployment}/downloads", status_code=202)
async def download(
    here: DeploymentHere, body: RemoteBody, request: Request, person: Operator, ground: GroundHere
) -> dict[str, Any]:
    """Gets a file from the deployment."""
    transfer = here.transfers.download(body.remote, person.name)
    ground.audit.add(person.name, "download", here.name, body.remote, source_of(request))
    return transfer_object(transfer)


@router.get("/deployments/{deployment}/transfers")
async def transfers(here: DeploymentHere) -> dict[str, Any]:
    """The last transfers, the newest first."""
    return {"transfers": [transfer_object(one) for one in reversed(here.transfers.records.values())]}


@router.get("/deployments/{deployment}/transfers/{id}")
async def one_transfer(here: DeploymentHere, id: int, wait_s: WaitS = 0.0) -> dict[str, Any]:
    """A transfer as it stands."""
    transfer = _transfer(here, id)
    if wait_s and not transfer.is_final:
        try:
            await asyncio.wait_for(transfer.wait(), wait_s)
        except TimeoutError:
            return transfer_object(transfer)
    return transfer_object(transfer)


@router.delete("/deployments/{deployment}/transfers/{id}")
async def give_up(here: DeploymentHere, id: int, person: Operator, ground: GroundHere) -> dict[str, Any]:
    """Gives a transfer up."""
    transfer = here.transfers.cancel(_transfer(here, id).id)
    ground.audit.add(person.name, "transfer given up", here.name, transfer.remote)
    return transfer_object(transfer)


@router.get("/deployments/{deployment}/transfers/{id}/content", response_class=FileResponse)
async def content(here: DeploymentHere, id: int) -> FileResponse:
    """The bytes of a file that has come down."""
    transfer = _transfer(here, id)
    if transfer.state != "completed" or transfer.path is None or not transfer.path.exists():
        raise Problem(409, "the transfer has brought no file down, or not yet")
    # Never shown in the browser as what the deployment says it is.
    return FileResponse(transfer.path, media_type="application/octet-stream", filename=transfer.name)


def _transfer(here: Deployment, id: int) -> Transfer:
    transfer = here.transfers.records.get(id)
    if transfer is None:
        raise Problem(404, f"no transfer has the id {id}")
    return transfer


@router.post("/deployments/{deployment}/listings")
async def listing(here: DeploymentHere, body: FolderBody, person: Operator, ground: GroundHere) -> dict[str, Any]:
    """Has the deployment list a folder."""
    ground.audit.add(person.name, "folder listed", here.name, body.path)
    return listing_object(await here.folders.list(body.path, person.name))
