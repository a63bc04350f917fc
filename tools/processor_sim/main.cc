// processor-sim: see sim_handler.h.
#include <signal.h>
#include <sys/signalfd.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <string>

#include "processor_sim/sim_handler.h"
#include "tollgate/base/open_files.h"
#include "tollgate/base/standard_descriptors.h"
#include "tollgate/net/listener.h"
#include "tollgate/server/http_server.h"

namespace {

// SIGTERM and SIGINT end the loop.
class SignalWatch final : public tollgate::net::EventHandler {
 public:
  explicit SignalWatch(tollgate::net::EventLoop& loop) : loop_(loop) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    fd_.reset(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  }
  bool Start() { return loop_.Add(fd_.get(), 1 /* EPOLLIN */, this).ok(); }
  void OnEvents(uint32_t /*events*/) override { loop_.Stop(); }

 private:
  tollgate::net::EventLoop& loop_;
  tollgate::base::UniqueFd fd_;
};

int Serve(const std::string& listen, const tollgate::sim::SimOptions& options) {
  using namespace tollgate;
  const auto fail = [](const std::string& why) {
    std::fprintf(stderr, "processor-sim: %s\n", why.c_str());
    return 1;
  };
  base::RaiseOpenFilesLimit();  // 1,300 requests at once, and more that are told to go away
  const auto address = net::ParseAddress(listen);
  if (!address.ok()) return fail("--listen: " + address.error().message);
  net::SocketFile socket_file;
  auto listener = address.value().is_unix()
                      ? net::ListenUnix(address.value().unix_path, &socket_file)
                      : net::ListenTcp(address.value(), false);
  if (!listener.ok()) return fail(listener.error().message);

  const base::SystemClock clock;
  net::EventLoop loop(clock);
  SignalWatch signals(loop);
  sim::SimHandler handler(loop, options);
  if (!handler.ready()) return fail("--books: " + options.books + " cannot be used");
  server::ServerOptions server_options;
  server_options.idle_timeout_ms = 600'000;
  server::HttpServer server(loop, server_options, handler);
  const auto listening = server.Listen(listener.value().get(), false);
  if (!listening.ok()) return fail(listening.error().message);
  if (!signals.Start()) return fail("the kernel watches no more descriptors");
  std::printf("processor-sim: listening on %s\n", listen.c_str());
  std::fflush(stdout);
  loop.Run();
  socket_file.Remove();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  tollgate::base::OccupyStandardDescriptors();
  CLI::App app("A stand-in for a payment processor, awkward habits included.");
  std::string listen = "127.0.0.1:8001";
  double fee = 0.05;
  tollgate::sim::SimOptions options;
  app.add_option("--listen", listen, "HOST:PORT or the path of a Unix socket")
      ->capture_default_str();
  app.add_option("--fee", fee, "share of the amount")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "of the faults")->capture_default_str();
  app.add_option("--books", options.books, "a file in which bookings outlive the process");
  CLI11_PARSE(app, argc, argv);
  options.fee_ppm = std::llround(fee * 1e6);
  return Serve(listen, options);
}
