/*
 * Phase 1 as data: one row is one message that may come in one step. What has no row is dropped
 * and counted. RFC 2409 §5.4 (pre-shared keys), RFC 3947 §3 for NAT-D in messages three and four.
 */
#include "control/isakmp/internal.h"

#define SA    ISP_BIT(ISP_SA)
#define KE    ISP_BIT(ISP_KE)
#define ID    ISP_BIT(ISP_ID)
#define HASH  ISP_BIT(ISP_HASH)
#define NONCE ISP_BIT(ISP_NONCE)
#define NATD  ISP_BIT(ISP_NATD)
#define ANY   (ISP_BIT(ISP_VENDOR) | ISP_BIT(ISP_NOTIFY) | ISP_BIT(ISP_CERTREQ))

static const struct isk_step_row rows[] = {
    {ISK_READY, ISX_MAIN, false, SA, 0, isk_on_mm1},
    {ISK_I_MM1, ISX_MAIN, false, SA, 0, isk_on_mm2},
    {ISK_R_MM2, ISX_MAIN, false, KE | NONCE, NATD, isk_on_mm3},
    {ISK_I_MM3, ISX_MAIN, false, KE | NONCE, NATD, isk_on_mm4},
    {ISK_R_MM4, ISX_MAIN, true, ID | HASH, 0, isk_on_mm5},
    {ISK_I_MM5, ISX_MAIN, true, ID | HASH, 0, isk_on_mm6},
    {ISK_READY, ISX_AGGRESSIVE, false, SA | KE | NONCE | ID, 0, isk_on_am1},
    {ISK_I_AM1, ISX_AGGRESSIVE, false, SA | KE | NONCE | ID | HASH, NATD, isk_on_am2},
    /* §5: the last message may be encrypted, and is by us */
    {ISK_R_AM2, ISX_AGGRESSIVE, false, HASH, NATD, isk_on_am3},
    {ISK_R_AM2, ISX_AGGRESSIVE, true, HASH, NATD, isk_on_am3},
};

const struct isk_step_row *isk_step_find(enum isk_step step, const struct isk_rx *rx,
                                         enum isk_drop *why)
{
    bool encrypted = rx->h.flags & ISK_F_ENCRYPTED;

    *why = ISK_DROP_UNEXPECTED;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct isk_step_row *r = &rows[i];
        if (r->step != step || r->exchange != rx->h.exchange)
            continue;
        *why = ISK_DROP_CLEAR;
        if (r->encrypted != encrypted)
            continue;
        *why = ISK_DROP_PAYLOADS;
        if ((r->must & ~rx->pl.seen) == 0 && (rx->pl.seen & ~(r->must | r->may | ANY)) == 0) {
            *why = ISK_DROP_NONE;
            return r;
        }
    }
    return NULL;
}

bool isk_step_encrypted(enum isk_step step)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].step == step && rows[i].encrypted)
            return true;
    return false;
}
