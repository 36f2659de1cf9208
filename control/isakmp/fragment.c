/* Fragments of messages (Cisco's extension): neither offered nor taken so far. */
#include "control/isakmp/internal.h"
bool isk_fragment_out(struct isk_sa *sa, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    (void)sa;
    (void)p;
    (void)msg;
    (void)len;
    return false;
}
bool isk_is_fragment(const uint8_t *msg, size_t len)
{
    return len >= ISK_HEADER_LEN && msg[16] == ISP_FRAGMENT;
}
void isk_fragment_in(struct isakmp *k, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    (void)p;
    (void)msg;
    (void)len;
    isk_dropped(k, NULL, ISK_DROP_PAYLOADS);
}
void isk_parts_free(struct isk_parts *p)
{
    (void)p;
}
