"""A real S3 server on this machine's loopback, with a bucket of pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

ACCESS, SECRET = "AKIAtestonly", "secret-for-tests-only"


@dataclass(frozen=True)
class BucketServer:
    """The server's address, and a client of its makers' own to put objects with."""

    endpoint: str
    client: Any

    @property
    def host(self) -> str:
        return self.endpoint.removeprefix("http://")

    def put(self, bucket: str, objects: Mapping[str, bytes]) -> None:
        if bucket not in [each["Name"] for each in self.client.list_buckets()["Buckets"]]:
            self.client.create_bucket(Bucket=bucket)
        for key, content in objects.items():
            self.client.put_object(Bucket=bucket, Key=key, Body=content)


@contextmanager
def bucket_server() -> Iterator[BucketServer]:
    """The server, ended at the end; no settings of this machine's user reach it."""
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    keys = {"aws_access_key_id": ACCESS, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=endpoint, **keys)
    try:
        yield BucketServer(endpoint, client)
    finally:
        client.close()
        server.stop()
