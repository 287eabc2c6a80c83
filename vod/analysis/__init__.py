"""Why a result file scores what it scores: curves, errors, steadiness, confidence."""
