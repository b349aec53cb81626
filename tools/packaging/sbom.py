"""The software bill of materials of an image: SPDX 2.3, as JSON.

    sbom.document(name="llm-gateway", version="0.1.0", revision="4be1...",
                  packages=debian_libraries.packages_of(files), epoch_s=0)

It names the gateway and each Debian package that a file was taken from, with
versions, package URLs and licences. A licence that SPDX has no name for is told
by the text of the package's copyright file.
"""

import datetime
import hashlib
import json
import re
from urllib.parse import quote

from tools.packaging import licences

_LICENCE = "Apache-2.0"
_SUPPLIER = "Organization: Debian"


def document(name, version, revision, packages, epoch_s):
    """The document's text."""
    texts = []
    listed = [_gateway(name, version, revision)]
    for package in packages:
        listed.append(_debian(package, texts))
    created = datetime.datetime.fromtimestamp(epoch_s, datetime.timezone.utc)
    # Two documents that differ have different names.
    seed = json.dumps([listed, texts], sort_keys=True)
    told = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "%s-%s" % (name, version),
        "documentNamespace": "https://llmgateway.dev/spdx/%s-%s-%s" % (
            name, version, hashlib.sha256(seed.encode()).hexdigest()),
        "creationInfo": {
            "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Tool: llm-gateway/tools/packaging"],
        },
        "packages": listed,
        "relationships": [_relation("SPDXRef-DOCUMENT", "DESCRIBES",
                                    listed[0])] +
                         [_relation(listed[0]["SPDXID"], "CONTAINS", one)
                          for one in listed[1:]],
    }
    if texts:
        told["hasExtractedLicensingInfos"] = texts
    return json.dumps(told, indent=1, sort_keys=True) + "\n"


def _gateway(name, version, revision):
    return {
        "SPDXID": _id("Package", name),
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": _LICENCE,
        "licenseDeclared": _LICENCE,
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "APPLICATION",
        "sourceInfo": "revision " + revision,
    }


def _debian(package, texts):
    """The package's entry; its licence's text goes to `texts` if SPDX has no
    name for it."""
    text = package.copyright()
    expression = licences.declared(text)
    if expression is None and text:
        expression = _id("LicenseRef", package.name)
        texts.append({
            "licenseId": expression,
            "name": "copyright of Debian's %s" % package.name,
            "extractedText": text,
        })
    told = {
        "SPDXID": _id("Package", package.name),
        "name": package.name,
        "versionInfo": package.version,
        "supplier": _SUPPLIER,
        "originator": "Person: " + package.maintainer,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": expression or "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "sourceInfo": "built from source package %s %s" % (
            package.source, package.source_version),
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": "pkg:deb/debian/%s@%s?arch=%s" % (
                quote(package.name, safe=""), quote(package.version, safe=""),
                package.architecture),
        }],
    }
    if package.homepage:
        told["homepage"] = package.homepage
    return told


def _relation(one, kind, other):
    return {"spdxElementId": one, "relationshipType": kind,
            "relatedSpdxElement": other["SPDXID"]}


def _id(kind, name):
    """As SPDX allows it: letters, digits, dots and hyphens."""
    form = re.sub(r"[^A-Za-z0-9.-]", "-", name)
    return ("LicenseRef-Debian-" if kind == "LicenseRef" else
            "SPDXRef-Package-") + form
