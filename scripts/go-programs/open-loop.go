// Both ends of a measurement of latency: `answer ADDRESS` is an HTTP server that sends back what it gets, `ask` a client
// with an open loop. Both are lean, so that the processors are left to what is measured. `wake` tells how late the
// machine itself is.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	switch os.Args[1] {
	case "answer":
		answer(os.Args[2])
	case "ask":
		ask(os.Args[2:])
	case "wake":
		wake(os.Args[2:])
	}
}

func answer(address string) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(conn)
	}
}

// serve does without net/http's server, which takes half as much again of a processor.
func serve(conn net.Conn) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		head := "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"
		fmt.Fprintf(conn, head, len(body), body)
	}
}

// loop is a series of requests, each due at its own time whatever became of those before. One that finds no connection
// free waits for the next that is, and counts from when it was due.
type loop struct {
	sync.Mutex
	request   []byte
	free      []*connection
	waiting   []time.Time
	latencies []time.Duration
	left      sync.WaitGroup
}

type connection struct {
	net.Conn
	due time.Time
}

func ask(args []string) {
	flags := flag.NewFlagSet("ask", flag.ExitOnError)
	address := flags.String("address", "", "host:port")
	rate := flags.Int("rate", 1000, "requests a second")
	connections := flags.Int("connections", 16, "each with one request at a time")
	size := flags.Int("bytes", 1024, "of each body")
	seconds := flags.Int("seconds", 10, "for which requests are due")
	flags.Parse(args)

	head := "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"
	l := &loop{request: fmt.Appendf(nil, head, *address, *size, strings.Repeat("x", *size))}
	for range *connections {
		conn, err := net.Dial("tcp", *address)
		if err != nil {
			log.Fatal(err)
		}
		lane := &connection{Conn: conn}
		l.free = append(l.free, lane)
		go l.read(lane)
	}
	total := *rate * *seconds
	l.left.Add(total)
	go l.send(time.Second/time.Duration(*rate), total)
	l.left.Wait()
	l.print(total)
}

// send has a thread for itself, which writes too: the runtime's timers are exact to a millisecond, and to hand over
// costs one more wake-up.
func (l *loop) send(every time.Duration, total int) {
	onTime(every, total, l.begin)
}

// onTime takes the thread it is called on and calls begin at fixed times, however long that takes.
func onTime(every time.Duration, total int, begin func(due time.Time)) {
	runtime.LockOSThread()
	// Else the kernel may wake it 50 µs late.
	const setTimerSlack = 29
	syscall.RawSyscall(syscall.SYS_PRCTL, setTimerSlack, 1, 0)
	start := time.Now()
	for index := range total {
		due := start.Add(time.Duration(index) * every)
		for wait := time.Until(due); wait > 0; wait = time.Until(due) {
			span := syscall.NsecToTimespec(wait.Nanoseconds())
			syscall.Nanosleep(&span, nil)
		}
		begin(due)
	}
}

func (l *loop) begin(due time.Time) {
	l.Lock()
	defer l.Unlock()
	if len(l.free) == 0 {
		l.waiting = append(l.waiting, due)
		return
	}
	lane := l.free[0]
	l.free = l.free[1:]
	l.write(lane, due)
}

func (l *loop) write(lane *connection, due time.Time) {
	lane.due = due
	if _, err := lane.Write(l.request); err != nil {
		log.Fatal(err)
	}
}

func (l *loop) read(lane *connection) {
	reader := bufio.NewReader(lane)
	for {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			log.Fatalf("a connection ended: %v", err)
		}
		_, err = io.Copy(io.Discard, response.Body)
		l.end(lane, time.Now(), err == nil && response.StatusCode == http.StatusOK)
	}
}

func (l *loop) end(lane *connection, at time.Time, isGood bool) {
	l.Lock()
	defer l.Unlock()
	if isGood {
		l.latencies = append(l.latencies, at.Sub(lane.due))
	}
	l.left.Done()
	if len(l.waiting) == 0 {
		l.free = append(l.free, lane)
		return
	}
	l.write(lane, l.waiting[0])
	l.waiting = l.waiting[1:]
}

// print writes milliseconds.
func (l *loop) print(total int) {
	if len(l.latencies) == 0 {
		log.Fatal("every request failed")
	}
	quantiles := quantilesOf(l.latencies)
	quantiles["errors"] = float64(total - len(l.latencies))
	json.NewEncoder(os.Stdout).Encode(quantiles)
}

// quantilesOf gives milliseconds.
func quantilesOf(spans []time.Duration) map[string]float64 {
	slices.Sort(spans)
	at := func(share float64) float64 {
		return float64(spans[int(share*float64(len(spans)))].Nanoseconds()) / 1e6
	}
	return map[string]float64{"p50": at(0.5), "p90": at(0.9), "p99": at(0.99)}
}

// wake has a thread that sleeps until a fixed time, then sends a byte to another that waits for it, and awaits it back.
func wake(args []string) {
	flags := flag.NewFlagSet("wake", flag.ExitOnError)
	rate := flags.Int("rate", 1000, "times a second")
	seconds := flags.Int("seconds", 1, "")
	flags.Parse(args)

	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		runtime.LockOSThread()
		for exchange(pair[1], syscall.Read) && exchange(pair[1], syscall.Write) {
		}
	}()
	total := *rate * *seconds
	late, there := make([]time.Duration, 0, total), make([]time.Duration, 0, total)
	onTime(time.Second/time.Duration(*rate), total, func(due time.Time) {
		woken := time.Now()
		if !exchange(pair[0], syscall.Write) || !exchange(pair[0], syscall.Read) {
			log.Fatal("the other thread is gone")
		}
		late, there = append(late, woken.Sub(due)), append(there, time.Since(woken))
	})
	json.NewEncoder(os.Stdout).Encode(map[string]any{"timer": quantilesOf(late), "thereAndBack": quantilesOf(there)})
}

// exchange reads or writes one byte.
func exchange(socket int, by func(int, []byte) (int, error)) bool {
	n, err := by(socket, make([]byte, 1))
	return err == nil && n == 1
}
