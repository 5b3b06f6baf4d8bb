import java.util.Objects;
import java.util.concurrent.*;

/** What the Java programs of this folder share: one JSON line for each call of a client. */
final class Calls {

    interface Call {
        void run() throws Exception;
    }

    /** An answer that is not the one a real server gives. */
    static final class Wrong extends RuntimeException {

        Wrong(String message) {
            super(message);
        }
    }

    private final String client, version;
    private final ExecutorService threads = Executors.newCachedThreadPool();

    Calls(String client, String version) {
        this.client = client;
        this.version = version;
    }

    static String at(String service) {
        return System.getenv("FEEDSTREAM_" + service);
    }

    static void equal(Object got, Object want) {
        if (!Objects.equals(got, want)) throw new Wrong("got " + got + ", want " + want);
    }

    /** Runs a call without which no other makes sense. */
    void first(String name, Call call) {
        if (!call(name, call)) System.exit(0);
    }

    /** Runs one call: an exception is the server's refusal, a wrong answer or none in time is a failure. */
    boolean call(String name, Call call) {
        String result = "works",
            detail = "";
        Future<?> future = threads.submit(() -> {
            call.run();
            return null;
        });
        try {
            future.get(30, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            result = "fails";
            detail = "no answer within 30 s";
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            result = cause instanceof Wrong ? "fails" : "refused";
            for (; cause != null; cause = cause.getCause()) detail += (detail.isEmpty() ? "" : "; ") + cause;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        System.out.println(
            "{" +
                String.join(
                    ",",
                    member("client", client),
                    member("version", version),
                    member("call", name),
                    member("result", result),
                    member("detail", detail.substring(0, Math.min(2000, detail.length())))
                ) +
                "}"
        );
        return result.equals("works");
    }

    /** Ends the program, with it the calls that hang. */
    void end() {
        System.exit(0);
    }

    private static String member(String name, String value) {
        StringBuilder text = new StringBuilder("\"" + name + "\":\"");
        for (char c : value.toCharArray()) {
            if (c == '"' || c == '\\') text.append('\\').append(c);
            else if (c < ' ') text.append(' ');
            else text.append(c);
        }
        return text.append('"').toString();
    }
}
