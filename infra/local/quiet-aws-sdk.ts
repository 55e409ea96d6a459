/** To be imported before an AWS SDK client: on Node 20 each prints ten lines about a Node version to come. */
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
