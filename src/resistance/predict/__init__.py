"""Prediction models of the cohort file: trained and judged on its patients, saved, applied to other patients."""
