/*
 * The properties that hold for the real grammar, over test.cg, which uses every feature of the
 * notation: so that they do not depend on what the real one happens to use.
 */
#include "tests/property/random.c"
#include "tests/property/test_properties.c"
