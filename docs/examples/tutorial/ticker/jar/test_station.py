from ticker import Ticker


def test_the_station_calls(jvm):
    ticker = Ticker()
    listener = jvm.JProxy("java.util.function.DoubleConsumer", dict={"accept": ticker.on_price})
    jvm.JClass("station.Station").tune(listener).join()
    assert ticker.prices() == [12.5]
