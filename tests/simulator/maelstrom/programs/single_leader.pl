#!/usr/bin/env perl
# A store with one leader, n1. The others hand every request on to it, so that it alone decides the order.
# With --stale the others answer reads from copies of their own, which the leader brings up to date some time later:
# that is not linearizable.
use strict;
use warnings;
use JSON::PP;

my $stale = grep { $_ eq '--stale' } @ARGV;
my $json = JSON::PP->new->canonical->allow_nonref;
my ($me, @nodes, %store, %done);
$| = 1;

sub send_to {
    my ($dest, $body) = @_;
    print $json->encode({ src => $me, dest => $dest, body => $body }), "\n";
}

# The answer to one request, which changes the store.
sub decide {
    my ($body) = @_;
    my $key = $json->encode($body->{key});
    if ($body->{type} eq 'read') {
        return { type => 'error', code => 20, text => 'no such key' } unless exists $store{$key};
        return { type => 'read_ok', value => $json->decode($store{$key}) };
    }
    if ($body->{type} eq 'write') {
        $store{$key} = $json->encode($body->{value});
        return { type => 'write_ok' };
    }
    return { type => 'error', code => 20, text => 'no such key' } unless exists $store{$key};
    return { type => 'error', code => 22, text => 'another value' }
        unless $store{$key} eq $json->encode($body->{from});
    $store{$key} = $json->encode($body->{to});
    return { type => 'cas_ok' };
}

# The leader answers a request once, also when the network has brought it twice.
sub lead {
    my ($client, $body) = @_;
    my $name = "$client/$body->{msg_id}";
    if (!$done{$name}) {
        $done{$name} = decide($body);
        if ($stale && $body->{type} ne 'read') {
            my $key = $json->encode($body->{key});
            send_to($_, { type => 'copy', key => $body->{key}, value => $json->decode($store{$key}) })
                for grep { $_ ne $me && exists $store{$key} } @nodes;
        }
    }
    return $done{$name};
}

while (my $line = <STDIN>) {
    my $message = $json->decode($line);
    my ($source, $body) = ($message->{src}, $message->{body});
    my $type = $body->{type};
    if ($type eq 'init') {
        $me = $body->{node_id};
        @nodes = @{ $body->{node_ids} };
        send_to($source, { type => 'init_ok', in_reply_to => $body->{msg_id} });
    } elsif ($type eq 'forward') {
        send_to($source, { type => 'answer', client => $body->{client}, answer => lead($body->{client}, $body->{request}),
            in_reply_to => $body->{request}{msg_id} });
    } elsif ($type eq 'answer') {
        send_to($body->{client}, { %{ $body->{answer} }, in_reply_to => $body->{in_reply_to} });
    } elsif ($type eq 'copy') {
        $store{ $json->encode($body->{key}) } = $json->encode($body->{value});
    } elsif ($me eq $nodes[0]) {
        send_to($source, { %{ lead($source, $body) }, in_reply_to => $body->{msg_id} });
    } elsif ($stale && $type eq 'read') {
        send_to($source, { %{ decide($body) }, in_reply_to => $body->{msg_id} });
    } else {
        send_to($nodes[0], { type => 'forward', client => $source, request => $body });
    }
}
