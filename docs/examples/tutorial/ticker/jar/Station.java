package station;

import java.util.function.DoubleConsumer;

public final class Station {
    public static Thread tune(DoubleConsumer listener) {
        Thread thread = new Thread(() -> listener.accept(12.5), "station");
        thread.start();
        return thread;
    }
}
