"""Counts at the sites of a tumour in one plasma sample -> is there more than background, and what could have been seen?"""
