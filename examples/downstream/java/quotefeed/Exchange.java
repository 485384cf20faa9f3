package quotefeed;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Calls its listeners for each quote, on threads of its own. */
public final class Exchange implements AutoCloseable {
    private final List<QuoteListener> listeners = new CopyOnWriteArrayList<>();
    private final ExecutorService threads = Executors.newFixedThreadPool(2, task -> new Thread(task, "exchange"));

    public void addListener(QuoteListener listener) {
        listeners.add(listener);
    }

    /** Returns a future that is done once each listener has returned. */
    public Future<?> publish(String symbol, String price) {
        return threads.submit(() -> listeners.forEach(listener -> listener.onQuote(symbol, price)));
    }

    @Override
    public void close() throws InterruptedException {
        threads.shutdown();
        threads.awaitTermination(1, TimeUnit.MINUTES);
    }
}
