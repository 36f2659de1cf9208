/*
 * Checks of IKEv2 on IOS. See check_system.c for what a check may do.
 */
#include "modes/internal.h"
#include <string.h>

/* --- proposals -----------------------------------------------------------------------------------
 */

static bool is_gcm(int alg)
{
    return alg == ENUM_IKEV2_CIPHER_IOS_AES_GCM_128 || alg == ENUM_IKEV2_CIPHER_IOS_AES_GCM_256;
}

/* A cipher that brings its integrity needs a function, any other a hash. */
static bool complete(const struct cfg_node *proposal)
{
    const struct cfg_node *e = cfg_first(proposal, E_IOS2_ENCR);
    if (!e || !cfg_first(proposal, E_IOS2_GROUP))
        return false;
    return cfg_first(proposal, is_gcm(CFG_ARGS(e, ios2_encr)->alg) ? E_IOS2_PRF : E_IOS2_INTEG);
}

int ios2_proposal_check(struct txn *t, struct cfg_node *n, const struct a_ios2_proposal *a,
                        bool negate)
{
    if (negate || complete(n) || strcmp(a->name, "default") == 0)
        return 0;
    txn_note(t, "IKEv2 proposal MUST either have a set of an encryption algorithm other than "
                "aes-gcm, an integrity algorithm and a DH group configured or \n encryption "
                "algorithm aes-gcm, a prf algorithm and a DH group configured");
    return 0;
}

int ios2_encr_check(struct txn *t, struct cfg_node *n, const struct a_ios2_encr *a, bool negate)
{
    (void)n;
    if (!negate && a->alg == ENUM_IKEV2_CIPHER_IOS_DES)
        weak_algorithm(t, "des");
    else if (!negate && a->alg == ENUM_IKEV2_CIPHER_IOS_3DES)
        weak_algorithm(t, "3des");
    return 0;
}

int ios2_integ_check(struct txn *t, struct cfg_node *n, const struct a_ios2_integ *a, bool negate)
{
    (void)n;
    if (!negate && a->alg == ENUM_IKEV2_HASH_IOS_MD5)
        weak_algorithm(t, "md5");
    return 0;
}

int ios2_prf_check(struct txn *t, struct cfg_node *n, const struct a_ios2_prf *a, bool negate)
{
    (void)n;
    if (!negate && a->alg == ENUM_IKEV2_HASH_IOS_MD5)
        weak_algorithm(t, "md5");
    return 0;
}

int ios2_group_check(struct txn *t, struct cfg_node *n, const struct a_ios2_group *a, bool negate)
{
    (void)n;
    if (!negate)
        weak_group(t, a->group);
    return 0;
}

int ios2_policy_check(struct txn *t, struct cfg_node *n, const struct a_ios2_policy *a, bool negate)
{
    if (!negate && !cfg_first(n, E_IOS2_POLICY_PROPOSAL) && strcmp(a->name, "default") != 0)
        txn_note(t, "IKEv2 policy MUST have atleast one complete proposal attached ");
    return 0;
}

/* --- keys and profiles ---------------------------------------------------------------------------
 */

int ios2_key_check(struct txn *t, struct cfg_node *n, const struct a_ios2_peer_key *a, bool negate)
{
    (void)n;
    if (!negate && a->encrypted)
        encrypted_key(t);
    return 0;
}

int ios2_local_key_check(struct txn *t, struct cfg_node *n, const struct a_ios2_peer_local_key *a,
                         bool negate)
{
    (void)n;
    if (!negate && a->encrypted)
        encrypted_key(t);
    return 0;
}

int ios2_remote_key_check(struct txn *t, struct cfg_node *n, const struct a_ios2_peer_remote_key *a,
                          bool negate)
{
    (void)n;
    if (!negate && a->encrypted)
        encrypted_key(t);
    return 0;
}

int ios2_auth_remote_check(struct txn *t, struct cfg_node *n, const struct a_ios2_auth_remote *a,
                           bool negate)
{
    (void)n;
    if (!negate && a->encrypted)
        encrypted_key(t);
    return 0;
}

int ios2_auth_local_check(struct txn *t, struct cfg_node *n, const struct a_ios2_auth_local *a,
                          bool negate)
{
    (void)n;
    if (!negate && a->encrypted)
        encrypted_key(t);
    return 0;
}

int ios2_profile_check(struct txn *t, struct cfg_node *n, const struct a_ios2_profile *a,
                       bool negate)
{
    (void)a;
    if (negate)
        return 0;
    bool local = cfg_first(n, E_IOS2_AUTH_LOCAL),
         remote = cfg_first(n, E_IOS2_AUTH_REMOTE) || cfg_first(n, E_IOS2_AUTH_REMOTE_OTHER);
    if (!local || !remote ||
        (!cfg_first(n, E_IOS2_MATCH) && !cfg_first(n, E_IOS2_MATCH_ANY) &&
         !cfg_first(n, E_IOS2_MATCH_CERTIFICATE)))
        txn_note(t, "IKEv2 profile MUST have:\n"
                    "   1. A local and a remote authentication method.\n"
                    "   2. A match identity or a match certificate or match any statement.");
    return 0;
}
