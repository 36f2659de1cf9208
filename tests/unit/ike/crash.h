/* Engines of IKEv2 that are killed (killed.h). */
#ifndef TESTS_IKE_CRASH_H
#define TESTS_IKE_CRASH_H

#include "rekey.h"

#define SIM_SA       struct ike_sa
#define SIM_INNER(x) ike_##x
#include "tests/unit/ike/killed.h"

#endif
