<?php
// Runs PHP inside WordPress for the tests: {"code": …, "values": {…}} comes in, what the code
// prints goes out; values are there as variables. Started by hand it installs, over HTTP it needs
// the tests' secret.
if (PHP_SAPI === 'cli') {
    define('WP_INSTALLING', true);
    $_SERVER += ['HTTP_HOST' => 'localhost', 'SERVER_PROTOCOL' => 'HTTP/1.1'];
    $body = stream_get_contents(STDIN);
} else {
    if (!hash_equals(getenv('WORDPRESS_SECRET'), $_SERVER['HTTP_X_SECRET'] ?? '')) {
        http_response_code(403);
        exit;
    }
    $body = file_get_contents('php://input');
}
$asked = json_decode($body, true, 512, JSON_THROW_ON_ERROR);
ini_set('display_errors', 'stderr');
require getcwd() . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/admin.php';
extract($asked['values']);
eval($asked['code']);
