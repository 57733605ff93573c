"""What the rules of transport.yml must find (ruleid) and must let pass (ok)."""

import ssl

import httpx2


def certificates(context, client, file):
    # ruleid: certificate-not-verified
    httpx2.Client(verify=False, timeout=5)
    # ruleid: certificate-not-verified
    context.check_hostname = False
    # ruleid: certificate-not-verified
    context.verify_mode = ssl.CERT_NONE
    # ruleid: certificate-not-verified
    ssl._create_unverified_context()
    # ruleid: certificate-not-verified
    client.verify = False
    # ok: certificate-not-verified
    httpx2.Client(verify=ssl.create_default_context(cafile=file), timeout=5)
    # ok: certificate-not-verified
    context.verify_mode = ssl.CERT_REQUIRED


def versions(context):
    # ruleid: old-tls
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    # ok: old-tls
    context.minimum_version = ssl.TLSVersion.TLSv1_2
