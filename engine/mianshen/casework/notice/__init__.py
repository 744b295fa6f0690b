"""Decision notices: one answer about one person, on paper, with everything it rests on."""

from mianshen.casework.notice.content import Notice
from mianshen.casework.notice.digest import Digests, digests_in, record_digest
from mianshen.casework.notice.draft import Subject, notice_of, unknown_benefit
from mianshen.casework.notice.office import letterhead, read_office
from mianshen.casework.notice.paper import to_html, to_pdf, write_notice
from mianshen.casework.notice.verification import Comparison, compared, verification_file

__all__ = [
    "Comparison", "Digests", "Notice", "Subject", "compared", "digests_in", "letterhead", "notice_of", "read_office",
    "record_digest", "to_html", "to_pdf", "unknown_benefit", "verification_file", "write_notice",
]  # fmt: skip
