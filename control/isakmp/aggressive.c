/* Aggressive mode, RFC 2409 §5.4: refused so far, in both roles. */
#include "control/isakmp/internal.h"
void isk_aggressive_start(struct isk_sa *sa, const struct isakmp_policy *policy, size_t n)
{
    (void)policy;
    (void)n;
    isk_failed(sa, IKE_R_NO_POLICY);
}
static void refuse(struct isakmp *k, struct isk_sa *sa)
{
    isk_dropped(k, sa, ISK_DROP_AGGRESSIVE);
}
void isk_on_am1(struct isakmp *k, struct isk_sa *sa, struct isk_rx *rx)
{
    (void)rx;
    refuse(k, sa);
}
void isk_on_am2(struct isakmp *k, struct isk_sa *sa, struct isk_rx *rx)
{
    (void)rx;
    refuse(k, sa);
}
void isk_on_am3(struct isakmp *k, struct isk_sa *sa, struct isk_rx *rx)
{
    (void)rx;
    refuse(k, sa);
}
