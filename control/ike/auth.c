/*
 * Authentication with a pre-shared key, RFC 7296 §2.15:
 *
 *     AUTH = prf( prf(PSK, "Key Pad for IKEv2"),
 *                 first message | other side's nonce | prf(SK_p, ID payload's body) )
 */
#include "control/ike/crypto.h"
#include "lib/mem.h"
#include <errno.h>

int ike_auth_psk(const struct ike_crypto *c, uint16_t prf, struct bytes psk, struct bytes msg,
                 struct bytes nonce, const uint8_t *sk_p, const struct ike_identity *id,
                 uint8_t *out)
{
    static const char pad[] = "Key Pad for IKEv2"; /* 17 octets, no NUL */
    uint8_t key[IKE_PRF_MAX], maced_id[IKE_PRF_MAX];
    uint8_t id_head[4] = {id->type, 0, 0, 0};
    struct bytes pad_part = {pad, sizeof pad - 1};
    struct bytes id_part[] = {{id_head, sizeof id_head}, {id->data, id->len}};
    size_t len = ike_prf_len(prf);

    if (len == 0)
        return -ENOTSUP;
    int err = ike_prf(c, prf, psk, &pad_part, 1, key);
    if (err == 0)
        err = ike_prf(c, prf, (struct bytes){sk_p, len}, id_part, 2, maced_id);
    struct bytes octets[] = {msg, nonce, {maced_id, len}};
    if (err == 0)
        err = ike_prf(c, prf, (struct bytes){key, len}, octets, 3, out);
    mem_wipe(key, sizeof key);
    mem_wipe(maced_id, sizeof maced_id);
    return err;
}
