"""AWS Secrets Manager as a function meets it: moto's, behind HTTP, with botocore to judge each signature.

Beside it is the endpoint that Lambda gives a restored function, for the credentials that its environment lacks.
"""

import json
import ssl
import threading
import time
from typing import Any, Self

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from moto import mock_aws
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

REGION, SESSION, CONTAINER_TOKEN = "eu-central-1", "session-token", "container-token"
ACCOUNT = Credentials("AKIAFUNCTION", "secret/of+the=function", SESSION)


class _Silent(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Say nothing."""


class FakeSecretsManager:
    """`asked` are the ids of the secrets that were read; `delay` is what each read takes (seconds)."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.asked: list[str] = []
        self.delay = 0.0
        self._aws = mock_aws()
        self._client: Any = None
        self._server = make_server(
            "localhost", 0, self._application, threaded=True, request_handler=_Silent, ssl_context=context
        )
        self.url = f"{'https' if context else 'http'}://localhost:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._aws.start()
        self._client = boto3.client("secretsmanager", REGION, aws_access_key_id="x", aws_secret_access_key="x")
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._aws.stop()

    def put(self, secret_id: str, **members: str) -> str:
        """Store a secret and return its ARN."""
        return self.put_text(secret_id, json.dumps(members))

    def put_text(self, secret_id: str, text: str) -> str:
        if any(each["Name"] == secret_id for each in self._client.list_secrets()["SecretList"]):
            return str(self._client.put_secret_value(SecretId=secret_id, SecretString=text)["ARN"])
        return str(self._client.create_secret(Name=secret_id, SecretString=text)["ARN"])

    def variables(self) -> dict[str, str]:
        """Return what a function has in its environment: its region and credentials, and that the service is here."""
        account = {"AWS_ACCESS_KEY_ID": ACCOUNT.access_key, "AWS_SECRET_ACCESS_KEY": ACCOUNT.secret_key}
        return {**account, "AWS_SESSION_TOKEN": SESSION, "AWS_REGION": REGION, **self._endpoint()}

    def variables_of_a_restored_function(self) -> dict[str, str]:
        """Return what Lambda gives instead when an environment comes from a snapshot."""
        container = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.url}/credentials"}
        return {
            "AWS_REGION": REGION,
            **container,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": CONTAINER_TOKEN,
        } | self._endpoint()

    def _endpoint(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL_SECRETS_MANAGER": self.url}

    def _application(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        answer = self._credentials(request) if request.path == "/credentials" else self._secret(request)
        return answer(environ, start_response)

    def _credentials(self, request: Request) -> Response:
        if request.headers.get("Authorization") != CONTAINER_TOKEN:
            return Response("{}", 403)
        key = {"AccessKeyId": ACCOUNT.access_key, "SecretAccessKey": ACCOUNT.secret_key, "Token": SESSION}
        return Response(json.dumps(key))

    def _secret(self, request: Request) -> Response:
        time.sleep(self.delay)
        if request.headers["Authorization"] != authorization(self.url, request.get_data(), dict(request.headers)):
            return Response('{"__type":"InvalidSignatureException","message":"no"}', 400)
        secret_id = json.loads(request.get_data())["SecretId"]
        self.asked.append(secret_id)
        try:
            found = self._client.get_secret_value(SecretId=secret_id)
        except ClientError as error:
            return Response(json.dumps({"__type": error.response["Error"]["Code"]}), 400)
        return Response(json.dumps({name: found[name] for name in ("ARN", "Name", "SecretString")}))


def authorization(
    url: str, body: bytes, sent: dict[str, str], account: Credentials = ACCOUNT, region: str = REGION
) -> str:
    """Return the header that botocore writes for a request with these headers, at the time that they name."""
    names = {name.lower(): value for name, value in sent.items()}
    kept = {name: names[name] for name in ("content-type", "host", "x-amz-target")}
    request = AWSRequest("POST", f"{url}/", kept, body)
    request.context["timestamp"] = names["x-amz-date"]
    signer = SigV4Auth(account, "secretsmanager", region)
    request.headers["X-Amz-Date"] = names["x-amz-date"]
    if account.token:
        request.headers["X-Amz-Security-Token"] = account.token
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    signed = signer.signed_headers(signer.headers_to_sign(request))
    return f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={signed}, Signature={signature}"
