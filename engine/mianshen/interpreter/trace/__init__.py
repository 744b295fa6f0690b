"""Why a decision came out as it did: the steps, what was read, why other provisions did not decide."""
