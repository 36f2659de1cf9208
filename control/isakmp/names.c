/*
 * The states of phase 1 as `show crypto isakmp sa` names them.
 */
#include "control/isakmp/isakmp.h"

const char *isakmp_state_name(enum isakmp_state s)
{
    static const char *const name[ISAKMP_STATES] = {
        "MM_NO_STATE", "MM_SA_SETUP",  "MM_KEY_EXCH", "MM_KEY_AUTH",
        "AG_NO_STATE", "AG_INIT_EXCH", "AG_AUTH",     "QM_IDLE",
    };
    return s < ISAKMP_STATES ? name[s] : "UNKNOWN";
}
