/*
 * Numbers of IKEv2 on the wire: RFC 7296 §3 and the IANA registry.
 */
#ifndef TANDEM_CONTROL_IKE_WIRE_H
#define TANDEM_CONTROL_IKE_WIRE_H

#include <stdint.h>

#define IKE_HEADER_LEN 28
#define IKE_MAJOR      2
#define IKE_SPI_LEN    8
#define ESP_SPI_LEN    4

/* Header flags, §3.1. */
#define IKE_F_INITIATOR 0x08u /* sent by the original initiator of the IKE SA */
#define IKE_F_VERSION   0x10u
#define IKE_F_RESPONSE  0x20u

enum ike_exchange { X_SA_INIT = 34, X_AUTH = 35, X_CREATE_CHILD = 36, X_INFORMATIONAL = 37 };

enum ike_payload_type {
    PL_NONE = 0,
    PL_SA = 33,
    PL_KE,
    PL_IDI,
    PL_IDR,
    PL_CERT,
    PL_CERTREQ,
    PL_AUTH,
    PL_NONCE,
    PL_NOTIFY,
    PL_DELETE,
    PL_VENDOR,
    PL_TSI,
    PL_TSR,
    PL_SK,
    PL_CP,
    PL_EAP,
    PL_SKF = 53
};
#define PL_BIT(t) (UINT64_C(1) << ((t)-PL_SA))

enum ike_protocol { PROTO_NONE = 0, PROTO_IKE = 1, PROTO_AH = 2, PROTO_ESP = 3 };

#define IKE_ATTR_KEY_LENGTH 14
#define IKE_ATTR_TV         0x8000u

/* Notify message types, §3.10.1. Below 16384: errors. */
enum ike_notify {
    N_UNSUPPORTED_CRITICAL = 1,
    N_INVALID_IKE_SPI = 4,
    N_INVALID_MAJOR_VERSION = 5,
    N_INVALID_SYNTAX = 7,
    N_INVALID_MESSAGE_ID = 9,
    N_INVALID_SPI = 11,
    N_NO_PROPOSAL_CHOSEN = 14,
    N_INVALID_KE_PAYLOAD = 17,
    N_AUTHENTICATION_FAILED = 24,
    N_SINGLE_PAIR_REQUIRED = 34,
    N_NO_ADDITIONAL_SAS = 35,
    N_INTERNAL_ADDRESS_FAILURE = 36,
    N_FAILED_CP_REQUIRED = 37,
    N_TS_UNACCEPTABLE = 38,
    N_INVALID_SELECTORS = 39,
    N_TEMPORARY_FAILURE = 43,
    N_CHILD_SA_NOT_FOUND = 44,
    N_ERROR_LIMIT = 16384,
    N_INITIAL_CONTACT = 16384,
    N_SET_WINDOW_SIZE = 16385,
    N_ADDITIONAL_TS_POSSIBLE = 16386,
    N_NAT_SOURCE = 16388,
    N_NAT_DESTINATION = 16389,
    N_COOKIE = 16390,
    N_USE_TRANSPORT_MODE = 16391,
    N_REKEY_SA = 16393,
    N_ESP_TFC_NOT_SUPPORTED = 16394,
    N_MESSAGE_ID_SYNC_SUPPORTED = 16420, /* RFC 6311 */
    N_MESSAGE_ID_SYNC = 16422,
    N_FRAGMENTATION = 16430
};

enum ike_id_type { ID_IPV4 = 1, ID_FQDN = 2, ID_RFC822 = 3, ID_IPV6 = 5, ID_DN = 9, ID_KEY = 11 };
enum ike_auth_method { AUTH_RSA = 1, AUTH_PSK = 2 };
enum ike_ts_type { TS_IPV4_RANGE = 7, TS_IPV6_RANGE = 8 };

#define IKE_COOKIE_MAX 64 /* §2.6 */
#define IKE_NONCE_MIN  16 /* §3.9 */

#endif
