/*
 * Checks of IKE and IPsec on IOS. See check_system.c for what a check may do.
 */
#include "modes/internal.h"
#include <string.h>

/* --- IKE -----------------------------------------------------------------------------------------
 */

/* 128 bits are what `encr aes` says. */
int isakmp_encr_check(struct txn *t, struct cfg_node *n, const struct a_isakmp_encr *a, bool negate)
{
    struct a_isakmp_encr plain = {.aes = true};
    if (negate || !a->has_bits || a->bits != ENUM_AES_BITS_128)
        return 0;
    return txn_set(t, n->parent, E_ISAKMP_ENCR, &plain) ? 0 : -1;
}

/* Keys of type 6 are encrypted with a key of the other box. */
static void encrypted_key(struct txn *t)
{
    txn_note(t, "WARNING: keys of type 6 cannot be decrypted here; give the key in clear");
}

int isakmp_key_check(struct txn *t, struct cfg_node *n, const struct a_isakmp_key *a, bool negate)
{
    (void)n;
    if (!negate && a->encrypted)
        encrypted_key(t);
    return 0;
}

/* --- transform sets ------------------------------------------------------------------------------
 */

static const char *const cipher_name[] = {"esp-aes", "esp-gcm", "esp-gmac"};
static const char *const hash_name[] = {"esp-md5-hmac", "esp-sha-hmac", "esp-sha256-hmac",
                                        "esp-sha384-hmac", "esp-sha512-hmac"};

/* At most one transform of each kind comes by the grammar; here is what does not go together. */
int transform_set_check(struct txn *t, struct cfg_node *n, const struct a_transform_set *a,
                        bool negate)
{
    bool esp = a->has_cipher || a->has_aes;
    if (negate)
        return 0;
    if (!a->has_ah && !esp)
        return a->has_hash ? txn_refuse(t, "ERROR: transform %s needs a cipher, or esp-null",
                                        hash_name[a->hash])
                           : txn_refuse(t, "%% Incomplete command.");
    if (a->has_hash && a->has_aes && a->aes != ENUM_ESP_CIPHER_BITS_ESP_AES)
        return txn_refuse(t, "ERROR: transforms %s and %s conflict", cipher_name[a->aes],
                          hash_name[a->hash]);
    /* RFC 4303 §3.2: not both null */
    if (a->has_cipher && a->cipher == ENUM_ESP_CIPHER_ESP_NULL && !a->has_hash && !a->has_ah)
        return txn_refuse(t, "ERROR: transform esp-null needs a hash");
    if (!a->has_bits || a->bits != ENUM_AES_BITS_128)
        return 0;
    struct a_transform_set plain = *a;
    plain.has_bits = false;
    plain.bits = 0;
    return txn_set(t, n->parent, E_TRANSFORM_SET, &plain) ? 0 : -1;
}

/* --- crypto maps ---------------------------------------------------------------------------------
 */

int ios_entry_check(struct txn *t, struct cfg_node *n, const struct a_ios_entry *a, bool negate)
{
    if (!negate && !a->has_template && !a->has_profile && txn_created(t, n))
        txn_note(t, "%% NOTE: This new crypto map will remain disabled until a peer\n"
                    "        and a valid access list have been configured.");
    return 0;
}

/* One peer is the preferred one. */
int entry_peer_check(struct txn *t, struct cfg_node *n, const struct a_entry_peer *a, bool negate)
{
    if (negate)
        return 0;
    if (cfg_count(n->parent, E_ENTRY_PEER) > INTENT_PEERS)
        return txn_refuse(t, "ERROR: At most %d peers can be set in one crypto map entry",
                          INTENT_PEERS);
    for (const struct cfg_node *p = cfg_first(n->parent, E_ENTRY_PEER); a->preferred && p;
         p = cfg_next(p)) {
        struct a_entry_peer other = *CFG_ARGS(p, entry_peer);
        if (p == n || !other.preferred)
            continue;
        other.preferred = false;
        return txn_set(t, n->parent, E_ENTRY_PEER, &other) ? 0 : -1;
    }
    return 0;
}

int entry_transform_check(struct txn *t, struct cfg_node *n, const struct a_entry_transform *a,
                          bool negate)
{
    if (negate)
        return 0;
    if (cfg_count(n->parent, E_ENTRY_TRANSFORM) > TRANSFORM_SETS)
        return txn_refuse(t, "ERROR: At most %d transform sets can be set in one crypto map entry",
                          TRANSFORM_SETS);
    if (!cfg_find_word(t->tree->root, E_TRANSFORM_SET, a->set))
        txn_note(t,
                 "WARNING: transform set \"%s\" is not configured yet; this line takes effect when "
                 "it is.",
                 a->set);
    return 0;
}
