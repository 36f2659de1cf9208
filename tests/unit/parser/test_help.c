/* `?` in both layouts, and Tab. */
#include "tests/unit/parser/support.h"

static void test_ios_list(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, false);
    b.place.depth = 0;
    assert_string_equal(box_help(&b, "show "), "  port  Show ports\n"
                                               "  tree  Show the tree\n\n");
    assert_string_equal(box_help(&b, "show port "), "  IFNAME  Port\n"
                                                    "  all     Everything\n"
                                                    "  |       Output modifiers\n"
                                                    "  <cr>\n\n");
    assert_string_equal(box_help(&b, "show port | "),
                        "  begin    Begin with the line that matches\n"
                        "  count    Count number of lines which match regexp\n"
                        "  exclude  Exclude lines that match\n"
                        "  include  Include lines that match\n"
                        "  section  Filter a section of output\n\n");
    assert_string_equal(box_help(&b, "trace "), "  <1-9>  Depth\n  <cr>\n\n");
    assert_string_equal(box_help(&b, ""), "Exec commands:\n"
                                          "  enter     Enter configuration\n"
                                          "  no        Stop it\n"
                                          "  show      Show something\n"
                                          "  shutdown  Stop the box\n"
                                          "  trace     Trace something\n\n");
    box_free(&b);
}

static void test_submode_list(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, false);
    box_paste(&b, "map M 1");
    assert_string_equal(box_help(&b, ""), "Map commands:\n"
                                          "  default  Set a command to its defaults\n"
                                          "  do       To run exec commands in config mode\n"
                                          "  end      Exit from configure mode\n"
                                          "  exit     Exit from map mode\n"
                                          "  help     Description of the interactive help system\n"
                                          "  key      A secret\n"
                                          "  life     How long\n"
                                          "  no       Negate a command or set its defaults\n"
                                          "  peer     The other end\n"
                                          "  use      What to use\n\n");
    box_free(&b);
}

static void test_asa_list(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, true);
    assert_string_equal(box_help(&b, "map M "), "configure mode commands/options:\n"
                                                "  <1-65535>  Number of the entry\n"
                                                "  on         Where it is used\n\n");
    assert_string_equal(box_help(&b, "show "), "exec mode commands/options:\n"
                                               "  port  Show ports\n"
                                               "  tree  Show the tree\n\n");
    assert_string_equal(box_help(&b, "map M 1 use "), "configure mode commands/options:\n"
                                                      "  10    Ten\n"
                                                      "  100   A hundred\n"
                                                      "  1000  A thousand\n\n");
    assert_string_equal(box_help(&b, "no map M 1 "), "configure mode commands/options:\n"
                                                     "  key   A secret\n"
                                                     "  life  How long\n"
                                                     "  peer  The other end\n"
                                                     "  use   What to use\n"
                                                     "  <cr>\n\n");
    box_paste(&b, "port e0/0");
    assert_string_equal(box_help(&b, ""), "Port commands:\n"
                                          "  about    A text\n"
                                          "  address  Address of the port\n"
                                          "  colour   Colour of the port\n"
                                          "  default  Set a command to its defaults\n"
                                          "  down     Turn the port off\n"
                                          "  end      Exit from configure mode\n"
                                          "  exit     Exit from port mode\n"
                                          "  help     Description of the interactive help system\n"
                                          "  level    How much it is trusted\n"
                                          "  no       Negate a command or set its defaults\n"
                                          "  speed    Speed of the port\n\n");
    box_free(&b);
}

static void test_partial(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, false);
    b.place.depth = 0;
    assert_string_equal(box_help(&b, "sh"), "show      shutdown\n\n");
    assert_string_equal(box_help(&b, "show p"), "port\n\n");
    assert_string_equal(box_help(&b, "pr"), "% Unrecognized command\n");
    assert_string_equal(box_help(&b, "show x "), "% Unrecognized command\n");
    assert_string_equal(box_help(&b, "sh "), "% Ambiguous command:  \"sh \"\n");
    b.place.depth = 1;
    assert_string_equal(box_help(&b, "map M 1"), "<1-65535>\n\n");
    assert_string_equal(box_help(&b, "map M x"), "% Unrecognized command\n");
    assert_string_equal(box_help(&b, "do show t"), "tree\n\n");
    b.place.asa = true;
    assert_string_equal(box_help(&b, "pr"), "ERROR: % Unrecognized command\n");
    box_free(&b);
}

static void test_rest_of_line(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, false);
    box_paste(&b, "port e0/0");
    assert_string_equal(box_help(&b, "about "), "  LINE  Text\n\n");
    assert_string_equal(box_help(&b, "about some text "), "  LINE  Text\n  <cr>\n\n");
    assert_string_equal(box_help(&b, "address 1.1.1.1 "), "  A.B.C.D  Mask\n\n");
    b.place.asa = true; /* no filter, though EXEC commands may be typed here */
    assert_string_equal(box_help(&b, "about this | "),
                        "configure mode commands/options:\n  LINE  Text\n  <cr>\n\n");
    assert_string_equal(box_help(&b, "show port | i"), "include\n\n");
    box_free(&b);
}

/* The interfaces of this box: types, then their numbers. */
static void test_ports(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, false);
    box_paste(&b, "port e0/3\nport e0/4\nport g1/0");
    b.place.depth = 1;
    assert_string_equal(box_help(&b, "port "), "  Ethernet         IEEE 802.3\n"
                                               "  GigabitEthernet  GigabitEthernet IEEE 802.3\n\n");
    assert_string_equal(box_help(&b, "port eth"), "Ethernet\n\n");
    assert_string_equal(box_help(&b, "port Ethernet "), "  0/3  Name of the port\n"
                                                        "  0/4  Name of the port\n\n");
    assert_string_equal(box_help(&b, "port e0/"), "Ethernet0/3  Ethernet0/4\n\n");
    assert_string_equal(box_help(&b, "port e0/9"), "IFNAME\n\n");
    assert_string_equal(box_help(&b, "port lo"), "IFNAME\n\n");
    assert_string_equal(box_tab(&b, "port gi"), "port GigabitEthernet ");
    assert_string_equal(box_tab(&b, "port g1"), "port GigabitEthernet1/0 ");
    assert_string_equal(box_tab(&b, "port e0/"), "");
    assert_string_equal(box_tab(&b, "port g 1"), "port g 1/0 ");
    assert_string_equal(box_tab(&b, "port g0/9"), "");
    box_free(&b);
}

static void test_tab(void **state)
{
    (void)state;
    struct box b;
    box_init(&b, false);
    b.place.depth = 0;
    assert_string_equal(box_tab(&b, "sho"), "show ");
    assert_string_equal(box_tab(&b, "sh"), "");
    assert_string_equal(box_tab(&b, "show  po"), "show  port ");
    assert_string_equal(box_tab(&b, "SHOW PO"), "SHOW port ");
    assert_string_equal(box_tab(&b, "show "), "");
    assert_string_equal(box_tab(&b, "show x"), "");
    assert_string_equal(box_tab(&b, "show port | inc"), "show port | include ");
    b.place.depth = 1;
    assert_string_equal(box_tab(&b, "ex"), "exit ");
    assert_string_equal(box_tab(&b, "no na"), "no name ");
    assert_string_equal(box_tab(&b, "do show tr"), "do show tree ");
    box_paste(&b, "port e0/3\nmap M 1");
    /* Names of what is there; and words of config, though the submode does not list them. */
    b.place.depth = 1;
    assert_string_equal(box_tab(&b, "map M on E"), "map M on Ethernet0/3 ");
    assert_string_equal(box_tab(&b, "map M"), "map M ");
    assert_string_equal(box_help(&b, "map "), "  M     Name of the map\n"
                                              "  WORD  Name of the map\n\n");
    assert_string_equal(box_help(&b, "map X"), "WORD\n\n");
    box_paste(&b, "port e0/4");
    assert_string_equal(box_tab(&b, "map M on E"), "");
    b.place.asa = true;
    assert_string_equal(box_tab(&b, "show tr"), "show tree ");
    assert_string_equal(box_tab(&b, "sho"), "show ");
    box_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ios_list),     cmocka_unit_test(test_submode_list),
        cmocka_unit_test(test_asa_list),     cmocka_unit_test(test_partial),
        cmocka_unit_test(test_rest_of_line), cmocka_unit_test(test_ports),
        cmocka_unit_test(test_tab),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
