<?php
// Runs PHP inside WordPress for the tests: {"code": …, "values": {…}} comes in on standard input,
// whatever the code prints goes out. Values are there as variables.
$_SERVER += ['HTTP_HOST' => 'localhost', 'REQUEST_METHOD' => 'GET', 'SERVER_PROTOCOL' => 'HTTP/1.1'];
$asked = json_decode(stream_get_contents(STDIN), true, 512, JSON_THROW_ON_ERROR);
if (!empty($asked['installing'])) {
    define('WP_INSTALLING', true);
}
require getcwd() . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/admin.php';
extract($asked['values']);
eval($asked['code']);
