"""A small imitation of the Hugging Face Hub's API on this machine: one folder as `someone/tiny`."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

SHA = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Serves one folder as the model, or the dataset, `someone/tiny`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.folder = folder
        self.refusal = ""  # the Hub's error code for every request
        self.large = (".safetensors", ".parquet", ".jsonl")  # what the following three hold for
        self.cut_at: int | None = None  # the connection breaks behind this byte
        self.go_on = threading.Event()  # until it is set, no more than half of a large file is sent
        self.go_on.set()
        self.etag = "weights"
        self.claimed: int | None = None  # the size the weights are said to have
        self.asked: list[tuple[str, str]] = []  # path and range of every file asked for
        self.made: list[dict[str, Any]] = []  # the repositories that were to be made
        self.committed: dict[str, bytes] = {}  # what was uploaded, by its path
        self.card_fault = ""  # what the Hub has against a model card
        self.tokens: set[str] = set()  # of whoever wrote


class Answer(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.tokens.add(self.headers.get("authorization", ""))
        if self.server.refusal:
            return self.answer(b'{"error": "no"}', int(self.server.refusal))
        told: dict[str, Any] = {}
        if self.path == "/api/validate-yaml" and self.server.card_fault:
            return self.answer(json.dumps({"errors": [{"message": self.server.card_fault}]}).encode(), 400)
        if self.path == "/api/repos/create":
            self.server.made.append(json.loads(body))
            asked = self.server.made[-1]
            told = {"url": f"{constants.ENDPOINT}/{asked['organization']}/{asked['name']}"}
        elif "/preupload/" in self.path:
            files = json.loads(body)["files"]
            told = {"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in files]}
        elif "/commit/" in self.path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.server.committed[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            repo = self.path.removeprefix("/api/models/").partition("/commit/")[0]
            told = {"commitUrl": f"{constants.ENDPOINT}/{repo}/commit/{SHA}", "commitOid": SHA}
        return self.answer(json.dumps(told).encode())

    def do_GET(self) -> None:
        if self.server.refusal:
            status = {"RepoNotFound": 404, "RevisionNotFound": 404, "GatedRepo": 403}.get(self.server.refusal, 500)
            return self.answer(b"{}", status, {"X-Error-Code": self.server.refusal})
        files = [file for file in sorted(self.server.folder.rglob("*")) if file.is_file()]
        names = {str(file.relative_to(self.server.folder)): file for file in files}
        path = self.path.partition("?")[0]
        if "/tree/" in path:
            tree = [
                {"type": "file", "path": name, "size": file.stat().st_size, "oid": "0" * 40}
                for name, file in names.items()
            ]
            return self.answer(json.dumps(tree).encode())
        if path.startswith(("/api/models/", "/api/datasets/")):
            return self.answer(json.dumps({"id": "someone/tiny", "sha": SHA, "siblings": []}).encode())
        name = path.partition(f"{SHA}/")[2]
        return self.file(names[name]) if name in names else self.answer(b"{}", 404)

    def file(self, file: Path) -> None:
        data = file.read_bytes()
        asked = self.headers.get("Range", "")
        if self.command == "GET":
            self.server.asked.append((file.name, asked))
        first = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        headers = {
            "Content-Length": str(len(data) - first),
            "ETag": f'"{self.server.etag if file.suffix == ".safetensors" else file.name}"',
            "X-Repo-Commit": SHA,
            "Accept-Ranges": "bytes",
        }
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
        if self.server.claimed and file.suffix in self.server.large:
            headers["Content-Length"] = str(self.server.claimed)
        cut = self.server.cut_at if file.suffix in self.server.large else None
        self.answer(data[first:], 206 if first else 200, headers, cut and max(cut - first, 0))

    def answer(
        self, data: bytes, status: int = 200, headers: dict[str, str] | None = None, cut: int | None = None
    ) -> None:
        self.send_response(status)
        for key, value in ({"Content-Length": str(len(data))} | (headers or {})).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        half = len(data) // 2 if len(data) > 10_000 else len(data)
        try:
            self.wfile.write(data[: half if cut is None else min(half, cut)])
            if half < len(data):
                self.server.go_on.wait(30)
                self.wfile.write(data[half:cut])
        except ConnectionError:
            pass  # whoever asked was ended meanwhile


@contextmanager
def serving(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Serves `folder` while inside, to this process and to its children; what is downloaded lands in `cache`."""
    server = Hub(folder)
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    for name, value in (("HF_ENDPOINT", url), ("HF_HUB_CACHE", str(cache)), ("HF_HUB_OFFLINE", "0")):
        monkeypatch.setenv(name, value)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.go_on.set()
    server.shutdown()
    thread.join()
    server.server_close()
