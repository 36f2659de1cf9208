/*
 * Names of the drop causes. See dpstats.h.
 */
#include "dataplane/dpstats.h"

const char *dpstats_cause_name(enum dp_cause c)
{
    static const char *const names[DP_CAUSES] = {
        [DP_NO_SA] = "no SA",
        [DP_QUEUE_FULL] = "queue full",
        [DP_SEQ_OVERFLOW] = "sequence number overflow",
        [DP_SEND_ERROR] = "send error",
        [DP_TOO_BIG] = "too big",
        [DP_UNKNOWN_SPI] = "unknown SPI",
        [DP_REPLAY] = "replay",
        [DP_BAD_ICV] = "bad ICV",
        [DP_BAD_LENGTH] = "bad length",
        [DP_BAD_PADDING] = "bad padding",
        [DP_BAD_INNER] = "bad inner packet",
        [DP_SELECTOR] = "outside of the SA's selectors",
        [DP_CLEAR_INBOUND] = "clear text where protection is wanted",
        [DP_HARD_LIFETIME] = "hard lifetime",
        [DP_TUN_ERROR] = "TUN error",
        [DP_CRYPTO_ERROR] = "crypto error",
        [DP_IKE_BUSY] = "IKE message while the engine is busy",
        [DP_RX_OVERFLOW] = "receive buffer full",
        [DP_PASSIVE] = "interface on standby",
        [DP_LEASE] = "no number leased by the standby",
    };
    return (unsigned)c < DP_CAUSES ? names[c] : "unknown";
}
