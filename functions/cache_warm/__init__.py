"""The function that keeps the mirrors of CRMs."""
