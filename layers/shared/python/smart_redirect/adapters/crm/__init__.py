"""The vendors' CRMs: one thin module each behind usecases/ports_crm.py, all on one outbound client."""
