"""The verification page of a signed document: digests reckoned again, time stamps."""

from flask.typing import ResponseReturnValue

from app.core.permissions import Permission
from app.documents.queries.proof import proofs_of
from blueprints.common.access import needs, settings
from blueprints.common.fragments import page as render
from blueprints.documents.guards import load_document
from blueprints.documents.routes import blueprint


@blueprint.get("/documents/<int:document_id>/proof")
@needs(Permission.VIEW_DOCUMENTS)
def proof_page(document_id: int) -> ResponseReturnValue:
    """What proves the document, reckoned now."""
    document = load_document(document_id)
    return render("documents/proof.html", document=document, case=document.case, proofs=proofs_of(document),
                  with_stamps=bool(settings().tsa_url))  # fmt: skip
