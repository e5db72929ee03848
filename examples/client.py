#!/usr/bin/env python3
"""Submits an experiment to hwnasd, watches the job and downloads what it has made.

Usage: client.py SERVER EXPERIMENT FOLDER [--tenant ID] [--request-id ID]

SERVER is unix:PATH or HOST:PORT of this machine; HWNAS_TOKEN holds the token, if the daemon wants
one. What it needs and how it works: docs/platform.md.
"""

import argparse
import hashlib
import os
import pathlib
import random
import sys
import time
import uuid

import grpc

from google.rpc import error_details_pb2, status_pb2
from hwnas.v1 import resources_pb2, search_service_pb2, search_service_pb2_grpc

DEADLINE_S = 30
PATIENCE_S = 300  # a daemon that restarts, with its machine if need be
# The second one ends the stream of a client that reads too slowly.
STREAM_CUT = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)


def delays():
    """Seconds to wait before each further try: exponential, and never the same for two clients."""
    delay, end = 0.1, time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        yield delay * random.uniform(0.5, 1)
        delay = min(2 * delay, 5)


def wait_or_raise(error, waits, transient=(grpc.StatusCode.UNAVAILABLE,)):
    """Waits before the next try; raises the error if there shall be none."""
    wait = next(waits, None)
    if error.code() not in transient or wait is None:
        raise error
    time.sleep(wait)


class Client:
    """One tenant's jobs."""

    def __init__(self, server, tenant, token):
        self.tenant = tenant
        self.stub = search_service_pb2_grpc.SearchServiceStub(grpc.insecure_channel(server))
        self.metadata = [("authorization", f"Bearer {token}")] if token else []

    def call(self, method, request):
        """A unary call. A change carries a request_id, so that repeating it changes nothing more."""
        waits = delays()
        while True:
            try:
                return method(request, timeout=DEADLINE_S, metadata=self.metadata)
            except grpc.RpcError as error:
                wait_or_raise(error, waits)

    def submit(self, experiment, request_id):
        return self.call(
            self.stub.CreateSearchJob,
            search_service_pb2.CreateSearchJobRequest(
                parent=f"tenants/{self.tenant}",
                search_job=resources_pb2.SearchJob(experiment=experiment),
                request_id=request_id,
            ),
        )

    def watch(self, job):
        """Every event of a job, each once, until the job has ended; cuts are bridged."""
        revision, waits = 0, delays()
        while True:
            request = search_service_pb2.WatchSearchJobRequest(name=job, after_revision=revision)
            try:
                for event in self.stub.WatchSearchJob(request, metadata=self.metadata):
                    revision, waits = event.revision, delays()
                    if event.WhichOneof("event") != "heartbeat":
                        yield event
                return
            except grpc.RpcError as error:
                wait_or_raise(error, waits, STREAM_CUT)

    def artifacts(self, job):
        request = search_service_pb2.ListArtifactsRequest(parent=job)
        return self.call(self.stub.ListArtifacts, request).artifacts

    def download(self, artifact, folder):
        """The artifact's file. Goes on after a cut, and after the end of this process."""
        name = pathlib.PurePath(artifact.file_name).name
        partial = folder / f".{name}.{artifact.sha256}.partial"
        waits = delays()
        with open(partial, "ab") as file:
            while file.tell() < artifact.size_bytes:
                request = search_service_pb2.DownloadArtifactRequest(
                    name=artifact.name, offset=file.tell(), sha256=artifact.sha256
                )
                try:
                    for part in self.stub.DownloadArtifact(request, metadata=self.metadata):
                        file.write(part.chunk)
                except grpc.RpcError as error:
                    wait_or_raise(error, waits)
            file.flush()
            os.fsync(file.fileno())
        if hashlib.sha256(partial.read_bytes()).hexdigest() != artifact.sha256:
            partial.unlink()
            raise ValueError(f"{artifact.name}: not the bytes that were announced")
        return partial.rename(folder / name)


def explain(error):
    """What a failed call says: its message, and each field that is wrong."""
    lines = [f"{error.code().name}: {error.details()}"]
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        for detail in status_pb2.Status.FromString(value).details:
            request = error_details_pb2.BadRequest()
            if detail.Unpack(request):
                lines += [f"  {v.field}: {v.description}" for v in request.field_violations]
    return "\n".join(lines)


def run(options):
    client = Client(options.server, options.tenant, os.environ.get("HWNAS_TOKEN"))
    job = client.submit(options.experiment.read_text(encoding="utf-8"), options.request_id)
    print(f"submitted {job.name}", flush=True)
    for event in client.watch(job.name):
        if event.HasField("search_job"):
            job = event.search_job
            print(resources_pb2.SearchJob.State.Name(job.state), flush=True)
        elif event.HasField("progress"):
            progress = event.progress
            print(f"{progress.stage} {progress.evaluated_trials}/{progress.planned_trials}", flush=True)
    options.folder.mkdir(parents=True, exist_ok=True)
    for artifact in client.artifacts(job.name):
        print(f"downloaded {client.download(artifact, options.folder)}")
    return 0 if job.state == resources_pb2.SearchJob.SUCCEEDED else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("server")
    parser.add_argument("experiment", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tenant", default="default")
    parser.add_argument("--request-id", default=str(uuid.uuid4()))
    try:
        sys.exit(run(parser.parse_args()))
    except grpc.RpcError as error:
        sys.exit(explain(error))


if __name__ == "__main__":
    main()
