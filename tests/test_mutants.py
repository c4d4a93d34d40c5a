"""The list of small faults speaks of the code as it is."""

import mutants


def test_every_fault_has_its_place_and_tests_that_watch_over_it():
    for mutant in mutants.MUTANTS:
        path = mutants.PROJECT / mutants.PACKAGE / mutant.file
        assert mutant.fragment in path.read_text(encoding="utf-8"), mutant
        assert mutants.tests_for(mutant.file), mutant
