/*
 * Checks of IKE and IPsec on IOS. See check_system.c for what a check may do.
 */
#include "modes/derive.h"
#include "modes/internal.h"
#include <string.h>

/* What the platform has given up since (its field notice 72510) works here, for peers that know
 * nothing better, and whoever types it is told. */
void weak_algorithm(struct txn *t, const char *name)
{
    txn_note(t, "WARNING: %s is considered insecure", name);
}

/* --- IKE -----------------------------------------------------------------------------------------
 */

/* 128 bits are what `encr aes` says. */
int isakmp_encr_check(struct txn *t, struct cfg_node *n, const struct a_isakmp_encr *a, bool negate)
{
    static const char *const name[] = {"des", "3des"};
    struct a_isakmp_encr plain = {.aes = true};
    if (!negate && a->has_alg)
        weak_algorithm(t, name[a->alg]);
    if (negate || !a->has_bits || a->bits != ENUM_AES_BITS_128)
        return 0;
    return txn_set(t, n->parent, E_ISAKMP_ENCR, &plain) ? 0 : -1;
}

int isakmp_hash_check(struct txn *t, struct cfg_node *n, const struct a_isakmp_hash *a, bool negate)
{
    (void)n;
    if (!negate && a->alg == ENUM_ISAKMP_HASH_MD5)
        weak_algorithm(t, "md5");
    return 0;
}

void weak_group(struct txn *t, int group)
{
    static const char *const name[] = {"group 1", "group 2", "group 5"};
    if (group <= ENUM_DH_GROUP_IOS_5)
        weak_algorithm(t, name[group]);
    else if (group == ENUM_DH_GROUP_IOS_24)
        weak_algorithm(t, "group 24");
}

int isakmp_group_check(struct txn *t, struct cfg_node *n, const struct a_isakmp_group *a,
                       bool negate)
{
    (void)n;
    if (!negate)
        weak_group(t, a->group);
    return 0;
}

void encrypted_key(struct txn *t)
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

int keyring_key_check(struct txn *t, struct cfg_node *n, const struct a_keyring_key *a, bool negate)
{
    (void)n;
    if (!negate && a->encrypted)
        encrypted_key(t);
    return 0;
}

int isakmp_profile_check(struct txn *t, struct cfg_node *n, const struct a_isakmp_profile *a,
                         bool negate)
{
    (void)a;
    if (!negate && txn_created(t, n))
        txn_note(t, "%% A profile is deemed incomplete until it has match identity statements");
    return 0;
}

/* --- transform sets ------------------------------------------------------------------------------
 */

static const char *const plain_name[] = {"esp-des", "esp-3des", "esp-null"};
static const char *const cipher_name[] = {"esp-aes", "esp-gcm", "esp-gmac"};
static const char *const hash_name[] = {"esp-md5-hmac", "esp-sha-hmac", "esp-sha256-hmac",
                                        "esp-sha384-hmac", "esp-sha512-hmac"};

static void weak_transforms(struct txn *t, const struct a_transform_set *a)
{
    if (a->has_ah && a->ah == ENUM_AH_HASH_AH_MD5_HMAC)
        weak_algorithm(t, "ah-md5-hmac");
    if (a->has_cipher && a->cipher != ENUM_ESP_CIPHER_ESP_SEAL)
        weak_algorithm(t, plain_name[a->cipher]);
    if (a->has_aes && a->aes == ENUM_ESP_CIPHER_BITS_ESP_GMAC)
        weak_algorithm(t, "esp-gmac");
    if (a->has_hash && a->hash == ENUM_ESP_HASH_ESP_MD5_HMAC)
        weak_algorithm(t, "esp-md5-hmac");
}

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
    weak_transforms(t, a);
    if (a->has_cipher && a->cipher == ENUM_ESP_CIPHER_ESP_SEAL)
        txn_note(t, "WARNING: esp-seal is not implemented: transform set %s is not used", a->name);
    if (a->comp_lzs)
        txn_note(t, "WARNING: comp-lzs is not implemented: packets are not compressed");
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
    if (!negate && (a->manual || a->gdoi))
        txn_note(t, "WARNING: %s is not implemented: what this entry protects is dropped",
                 a->manual ? "ipsec-manual" : "gdoi");
    if (!negate && !a->has_template && !a->has_profile && txn_created(t, n))
        txn_note(t, "%% NOTE: This new crypto map will remain disabled until a peer\n"
                    "        and a valid access list have been configured.");
    return negate ? 0 : stateful_entry_check(t, a);
}

/* A name becomes its address when it is typed, unless it is `dynamic`. */
static int peer_by_name(struct txn *t, struct cfg_node *n, const struct a_entry_peer *a,
                        const struct addr *addr)
{
    char text[ADDR_STRLEN];
    struct cfg_node *entry = n->parent;
    struct a_entry_peer plain = *a;
    plain.peer = addr_print(addr, text, sizeof text);
    return txn_remove(t, n) == 0 && txn_set(t, entry, E_ENTRY_PEER, &plain) ? 0 : -1;
}

/* One peer is the preferred one. */
int entry_peer_check(struct txn *t, struct cfg_node *n, const struct a_entry_peer *a, bool negate)
{
    struct addr addr;
    if (negate)
        return 0;
    if (!host_address(t->tree->root, a->peer, &addr) && !a->dynamic)
        return txn_refuse(t, "%% Unrecognized host or address.");
    if (cfg_count(n->parent, E_ENTRY_PEER) > INTENT_PEERS)
        return txn_refuse(t, "ERROR: At most %d peers can be set in one crypto map entry",
                          INTENT_PEERS);
    for (const struct cfg_node *p = cfg_first(n->parent, E_ENTRY_PEER); a->preferred && p;
         p = cfg_next(p)) {
        struct a_entry_peer other = *CFG_ARGS(p, entry_peer);
        if (p == n || !other.preferred)
            continue;
        other.preferred = false;
        if (!txn_set(t, n->parent, E_ENTRY_PEER, &other))
            return -1;
        break;
    }
    struct addr typed;
    return a->dynamic || addr_parse(a->peer, &typed) == 0 ? 0 : peer_by_name(t, n, a, &addr);
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

int entry_pfs_check(struct txn *t, struct cfg_node *n, const struct a_entry_pfs *a, bool negate)
{
    (void)n;
    if (!negate) /* group 1 where none is said */
        weak_group(t, a->has_group ? a->group : ENUM_DH_GROUP_IOS_1);
    return 0;
}
