/* What the files of the crypto part share. */
#ifndef TANDEM_CONTROL_IKE_CRYPTO_PRIV_H
#define TANDEM_CONTROL_IKE_CRYPTO_PRIV_H

#include "control/ike/crypto.h"
#include <openssl/evp.h>
#include <openssl/provider.h>

struct ike_crypto {
    unsigned refs;
    OSSL_LIB_CTX *lib;
    OSSL_PROVIDER *base, *legacy; /* legacy NULL: no DES */
    EVP_MAC *hmac;
};

#endif
