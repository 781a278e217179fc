// The reference of `npm run bench:xds`: the resources that Sluice would serve, served by go-control-plane's snapshot
// cache. Everything that can be made before a change is made before it, and what proxies share is shared.
package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"math/big"
	"net"
	"os"
	"strings"
	"time"

	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// proxy is a line of the file that the bench writes: the first is what all proxies share and has no ID. Resources are
// encoded google.protobuf.Any messages.
type proxy struct {
	ID        string   `json:"id"`
	Resources [][]byte `json:"resources"`
}

func main() {
	shared, proxies := read(os.Args[1])
	changing := os.Args[2]
	sharedPart := snapshotOf(shared.Resources)
	snapshots := make(map[string]*cache.Snapshot, len(proxies))
	for _, each := range proxies {
		snapshots[each.ID] = merge(sharedPart, snapshotOf(each.Resources))
	}
	snapshotCache := cache.NewSnapshotCache(true, cache.IDHash{}, nil)
	for id, snapshot := range snapshots {
		check(snapshotCache.SetSnapshot(context.Background(), id, snapshot))
	}
	say(map[string]int{"port": serve(snapshotCache)})

	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var round int
		if _, err := fmt.Sscanf(lines.Text(), "change %d", &round); err != nil {
			log.Fatal(err)
		}
		at := monotonic()
		hosts, versions := changedHosts(sharedPart, changing, round)
		for id, snapshot := range snapshots {
			next := &cache.Snapshot{Resources: snapshot.Resources, VersionMap: maps.Clone(snapshot.VersionMap)}
			next.Resources[types.VirtualHost] = hosts
			next.VersionMap[resource.VirtualHostType] = versions
			check(snapshotCache.SetSnapshot(context.Background(), id, next))
		}
		say(map[string]string{"at": fmt.Sprint(at)})
	}
}

func read(path string) (proxy, []proxy) {
	file, err := os.Open(path)
	check(err)
	defer file.Close()
	decoder := json.NewDecoder(bufio.NewReader(file))
	var all []proxy
	for decoder.More() {
		var each proxy
		check(decoder.Decode(&each))
		all = append(all, each)
	}
	return all[0], all[1:]
}

// snapshotOf has its version map, which go-control-plane would make anew for each proxy.
func snapshotOf(encoded [][]byte) *cache.Snapshot {
	resources := map[resource.Type][]types.Resource{}
	for _, each := range encoded {
		var packed anypb.Any
		check(proto.Unmarshal(each, &packed))
		message, err := packed.UnmarshalNew()
		check(err)
		resources[packed.TypeUrl] = append(resources[packed.TypeUrl], message)
	}
	snapshot, err := cache.NewSnapshot("0", resources)
	check(err)
	check(snapshot.ConstructVersionMap())
	return snapshot
}

func merge(shared, own *cache.Snapshot) *cache.Snapshot {
	merged := &cache.Snapshot{Resources: own.Resources, VersionMap: own.VersionMap}
	for index, group := range shared.Resources {
		if len(group.Items) == 0 {
			continue
		}
		typeURL, err := cache.GetResponseTypeURL(types.ResponseType(index))
		check(err)
		if len(own.Resources[index].Items) == 0 {
			merged.Resources[index] = group
			merged.VersionMap[typeURL] = shared.VersionMap[typeURL]
			continue
		}
		maps.Copy(merged.Resources[index].Items, group.Items)
		maps.Copy(merged.VersionMap[typeURL], shared.VersionMap[typeURL])
	}
	return merged
}

// changedHosts gives the first route of one virtual host the name and the weights of the round.
func changedHosts(shared *cache.Snapshot, name string, round int) (cache.Resources, map[string]string) {
	before := shared.Resources[types.VirtualHost]
	host := proto.CloneOf(before.Items[name].Resource.(*route.VirtualHost))
	host.Routes[0].Name = fmt.Sprintf("round-%d.", round)
	weights := host.Routes[0].GetRoute().GetWeightedClusters().GetClusters()
	weights[0].Weight.Value = uint32(100 - round%100)
	weights[1].Weight.Value = uint32(round % 100)
	encoded, err := cache.MarshalResource(host)
	check(err)
	items := maps.Clone(before.Items)
	items[name] = types.ResourceWithTTL{Resource: host}
	versions := maps.Clone(shared.VersionMap[resource.VirtualHostType])
	versions[name] = cache.HashResource(encoded)
	return cache.Resources{Version: fmt.Sprint(round), Items: items}, versions
}

func serve(snapshots cache.Cache) int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	grpcServer := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{certificate()}})))
	discovery.RegisterAggregatedDiscoveryServiceServer(grpcServer, server.NewServer(context.Background(), snapshots, nil))
	go func() { check(grpcServer.Serve(listener)) }()
	return listener.Addr().(*net.TCPAddr).Port
}

// certificate is signed by itself: the proxies of the bench do not ask who serves them.
func certificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		DNSNames:     []string{"localhost"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	check(err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// monotonic is the clock that all processes of the bench read, in nanoseconds.
func monotonic() int64 {
	var now unix.Timespec
	check(unix.ClockGettime(unix.CLOCK_MONOTONIC, &now))
	return now.Nano()
}

func say(message any) {
	line, err := json.Marshal(message)
	check(err)
	fmt.Println(strings.TrimSpace(string(line)))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
