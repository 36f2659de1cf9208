/* What ospfd answers to the shows: R3 of seed 003, shortened from what it really says. */
#ifndef TANDEM_TESTS_FAKE_OSPF_H
#define TANDEM_TESTS_FAKE_OSPF_H

#include <string.h>

static inline const char *fake_ospf(const char *command)
{
    static const struct {
        const char *command, *answer;
    } answers[] = {
        {"show ip ospf neighbor json",
         "{\"neighbors\":{\"10.2.0.2\":[{\"nbrPriority\":1,\"nbrState\":\"Full\\/Backup\","
         "\"routerDeadIntervalTimerDueMsec\":38036,\"ifaceAddress\":\"10.2.0.2\",\"ifaceName\":"
         "\"eth0:10.2.0.3\"}],\"10.2.0.4\":[{\"nbrPriority\":0,\"nbrState\":\"2-Way\\/DROther\","
         "\"routerDeadIntervalTimerDueMsec\":3661000,\"ifaceAddress\":\"10.2.0.4\",\"ifaceName\":"
         "\"eth0:10.2.0.3\"}],\"10.9.0.9\":[{\"nbrPriority\":1,\"nbrState\":\"Init\\/-\","
         "\"routerDeadIntervalTimerDueMsec\":1000,\"ifaceAddress\":\"10.9.0.9\",\"ifaceName\":"
         "\"tun9:10.9.0.3\"}]}}"},
        {"show ip ospf interface json",
         "{\"interfaces\":{\"eth0\":{\"ifUp\":true,\"ospfEnabled\":true,\"ipAddress\":\"10.2.0.3\","
         "\"ipAddressPrefixlen\":24,\"area\":\"0.0.0.0\",\"networkType\":\"BROADCAST\",\"cost\":1,"
         "\"transmitDelaySecs\":1,\"state\":\"DR\",\"priority\":1,\"drId\":\"10.2.0.3\","
         "\"drAddress\":\"10.2.0.3\",\"bdrId\":\"10.2.0.2\",\"bdrAddress\":\"10.2.0.2\","
         "\"timerMsecs\":10000,\"timerDeadSecs\":40,\"timerWaitSecs\":40,\"timerRetransmitSecs\":5,"
         "\"timerHelloInMsecs\":5500,\"nbrCount\":2,\"nbrAdjacentCount\":1},\"eth1\":{\"ifUp\":"
         "true,"
         "\"ospfEnabled\":false},\"tun9\":{\"ifUp\":true,\"ospfEnabled\":true,\"ipAddress\":"
         "\"10.9.0.3\",\"ipAddressPrefixlen\":30,\"area\":\"0.0.1.2\",\"networkType\":"
         "\"POINTOPOINT\",\"cost\":100,\"transmitDelaySecs\":1,\"state\":\"Point-To-Point\","
         "\"priority\":1,\"timerPassiveIface\":true,\"timerMsecs\":10000,\"timerDeadSecs\":40,"
         "\"timerWaitSecs\":40,\"timerRetransmitSecs\":5,\"nbrCount\":0,\"nbrAdjacentCount\":0}}}"},
        {"show ip ospf database json",
         "{\"routerId\":\"10.2.0.3\",\"areas\":{\"0.0.0.0\":{\"routerLinkStates\":[{\"lsId\":"
         "\"10.2.0.2\",\"advertisedRouter\":\"10.2.0.2\",\"lsaAge\":1234,\"sequenceNumber\":"
         "\"80000003\",\"checksum\":\"828f\",\"numOfRouterLinks\":1}],\"networkLinkStates\":[{"
         "\"lsId\":\"10.2.0.3\",\"advertisedRouter\":\"10.2.0.3\",\"lsaAge\":2,\"sequenceNumber\":"
         "\"80000001\",\"checksum\":\"47e1\"}]}},\"asExternalLinkStates\":[{\"lsId\":\"10.0.0.6\","
         "\"advertisedRouter\":\"10.2.0.3\",\"lsaAge\":43,\"sequenceNumber\":\"80000001\","
         "\"checksum\":\"9bed\",\"metricType\":\"E2\",\"tag\":7}]}"},
        {"show ip ospf route json",
         "{\"10.0.0.6\\/32\":{\"routeType\":\"N E2\",\"cost\":1,\"type2cost\":20,\"nexthops\":[{"
         "\"ip\":\"10.2.0.4\",\"via\":\"eth0\"}]},\"10.2.0.4\":{\"routeType\":\"R \",\"cost\":1,"
         "\"area\":\"0.0.0.0\",\"routerType\":\"asbr\",\"nexthops\":[{\"ip\":\"10.2.0.4\",\"via\":"
         "\"eth0\"}]}}"},
        {"show ip ospf json",
         "{\"routerId\":\"10.2.0.3\",\"spfScheduleDelayMsecs\":0,\"holdtimeMinMsecs\":50,"
         "\"holdtimeMaxMsecs\":5000,\"lsaMinIntervalMsecs\":1100,\"lsaMinArrivalMsecs\":1000,"
         "\"asbrRouter\":\"injectingExternalRoutingInformation\",\"lsaExternalCounter\":1,"
         "\"lsaExternalChecksum\":39917,\"lsaAsopaqueCounter\":0,\"lsaAsOpaqueChecksum\":0,"
         "\"areas\":{\"0.0.0.0\":{\"backbone\":true,\"areaIfTotalCounter\":1,\"authentication\":"
         "\"authenticationNone\",\"spfExecutedCounter\":3,\"lsaNumber\":2,\"lsaRouterChecksum\":"
         "33423,\"lsaNetworkChecksum\":18401}}}"},
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (strcmp(command, answers[i].command) == 0)
            return answers[i].answer;
    return "% Unknown command";
}

#endif
