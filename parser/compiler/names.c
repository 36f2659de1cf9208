/*
 * Names of IP protocols and of services, as built-in keyword types. A name is accepted in
 * both dialects; the dialects of a row say where it is printed instead of the number.
 * Services whose name depends on TCP or UDP are accepted by name and printed as numbers,
 * unless the dialect prints one name for both.
 */
#include "parser/compiler/model.h"

struct row {
    const char *text, *help;
    unsigned value, dialect;
};

static const struct row protocols[] = {
    {"ip", "Any Internet protocol", 0, G_BOTH},
    {"icmp", "Internet Control Message Protocol", 1, G_BOTH},
    {"igmp", "Internet Group Management Protocol", 2, G_BOTH},
    {"ipinip", "IP in IP", 4, G_BOTH},
    {"tcp", "Transmission Control Protocol", 6, G_BOTH},
    {"igrp", "Interior Gateway Routing Protocol", 9, G_ASA},
    {"udp", "User Datagram Protocol", 17, G_BOTH},
    {"gre", "Generic Routing Encapsulation", 47, G_BOTH},
    {"esp", "Encapsulating Security Payload", 50, G_BOTH},
    {"ah", "Authentication Header", 51, G_ASA},
    {"ahp", "Authentication Header", 51, G_IOS},
    {"icmp6", "Internet Control Message Protocol of IPv6", 58, G_ASA},
    {"eigrp", "Enhanced Interior Gateway Routing Protocol", 88, G_BOTH},
    {"ospf", "Open Shortest Path First", 89, G_BOTH},
    {"nos", "KA9Q NOS compatible IP over IP", 94, G_BOTH},
    {"pim", "Protocol Independent Multicast", 103, G_BOTH},
    {"pcp", "Payload Compression Protocol", 108, G_BOTH},
    {"sctp", "Stream Control Transmission Protocol", 132, G_ASA},
};

static const struct row services[] = {
    {"echo", "Echo (7)", 7, G_BOTH},
    {"discard", "Discard (9)", 9, G_BOTH},
    {"daytime", "Daytime (13)", 13, G_BOTH},
    {"chargen", "Character generator (19)", 19, G_BOTH},
    {"ftp-data", "FTP data connections (20)", 20, G_BOTH},
    {"ftp", "File Transfer Protocol (21)", 21, G_BOTH},
    {"ssh", "Secure Shell (22)", 22, G_ASA},
    {"telnet", "Telnet (23)", 23, G_BOTH},
    {"smtp", "Simple Mail Transport Protocol (25)", 25, G_BOTH},
    {"time", "Time (37)", 37, G_BOTH},
    {"nameserver", "IEN116 name service (42)", 42, G_BOTH},
    {"whois", "Nicname (43)", 43, G_BOTH},
    {"tacacs", "TAC Access Control System (49)", 49, G_BOTH},
    {"domain", "Domain Name Service (53)", 53, G_BOTH},
    {"bootps", "Bootstrap Protocol server (67)", 67, G_BOTH},
    {"bootpc", "Bootstrap Protocol client (68)", 68, G_BOTH},
    {"tftp", "Trivial File Transfer Protocol (69)", 69, G_BOTH},
    {"gopher", "Gopher (70)", 70, G_BOTH},
    {"finger", "Finger (79)", 79, G_BOTH},
    {"www", "World Wide Web (80)", 80, G_BOTH},
    {"http", "World Wide Web (80)", 80, 0},
    {"hostname", "NIC hostname server (101)", 101, G_BOTH},
    {"pop2", "Post Office Protocol v2 (109)", 109, G_BOTH},
    {"pop3", "Post Office Protocol v3 (110)", 110, G_BOTH},
    {"sunrpc", "Sun Remote Procedure Call (111)", 111, G_BOTH},
    {"ident", "Ident (113)", 113, G_BOTH},
    {"nntp", "Network News Transport Protocol (119)", 119, G_BOTH},
    {"ntp", "Network Time Protocol (123)", 123, G_BOTH},
    {"netbios-ns", "NetBIOS name service (137)", 137, G_BOTH},
    {"netbios-dgm", "NetBIOS datagram service (138)", 138, G_BOTH},
    {"netbios-ssn", "NetBIOS session service (139)", 139, G_BOTH},
    {"imap4", "Internet Mail Access Protocol 4 (143)", 143, G_ASA},
    {"snmp", "Simple Network Management Protocol (161)", 161, G_BOTH},
    {"snmptrap", "SNMP traps (162)", 162, G_BOTH},
    {"bgp", "Border Gateway Protocol (179)", 179, G_BOTH},
    {"ldap", "Lightweight Directory Access Protocol (389)", 389, G_ASA},
    {"https", "Secure HTTP (443)", 443, G_ASA},
    {"isakmp", "Internet key exchange (500)", 500, G_BOTH},
    {"non500-isakmp", "Internet key exchange behind NAT (4500)", 4500, G_IOS},
    {"exec", "Remote execution (TCP 512)", 512, 0},
    {"biff", "Mail notification (UDP 512)", 512, 0},
    {"login", "Remote login (TCP 513)", 513, 0},
    {"who", "Who service (UDP 513)", 513, 0},
    {"cmd", "Remote commands (TCP 514)", 514, 0},
    {"syslog", "System logger (UDP 514)", 514, 0},
    {"lpd", "Printer service (515)", 515, G_BOTH},
    {"talk", "Talk (517)", 517, G_BOTH},
    {"rip", "Routing Information Protocol (520)", 520, G_BOTH},
    {"uucp", "Unix-to-Unix copy (540)", 540, G_BOTH},
    {"klogin", "Kerberos login (543)", 543, G_BOTH},
    {"kshell", "Kerberos shell (544)", 544, G_BOTH},
    {"ldaps", "LDAP over TLS (636)", 636, G_ASA},
    {"kerberos", "Kerberos (750)", 750, G_ASA},
    {"radius", "RADIUS authentication (1645)", 1645, G_ASA},
    {"radius-acct", "RADIUS accounting (1646)", 1646, G_ASA},
    {"sqlnet", "SQL*Net (1521)", 1521, G_ASA},
    {"h323", "H.323 call signalling (1720)", 1720, G_ASA},
    {"pptp", "Point-to-Point Tunneling Protocol (1723)", 1723, G_ASA},
    {"nfs", "Network File System (2049)", 2049, G_ASA},
    {"sip", "Session Initiation Protocol (5060)", 5060, G_ASA},
    {"aol", "America Online (5190)", 5190, G_ASA},
};

static void add(struct grammar *g, const char *name, const struct row *rows, size_t n)
{
    struct enum_def *e = take(g, sizeof(*e)), **list = &g->enums;
    struct enum_word **tail = &e->words;
    e->name = name;
    e->builtin = true;
    for (size_t i = 0; i < n; i++) {
        struct enum_word *w = take(g, sizeof(*w));
        *w = (struct enum_word){.text = rows[i].text,
                                .help = rows[i].help,
                                .value = rows[i].value,
                                .dialect = rows[i].dialect};
        *tail = w;
        tail = &w->next;
        e->count++;
    }
    while (*list)
        list = &(*list)->next;
    *list = e;
}

void add_builtin_names(struct grammar *g)
{
    add(g, "proto", protocols, sizeof(protocols) / sizeof(protocols[0]));
    add(g, "port", services, sizeof(services) / sizeof(services[0]));
}
