// Made of the API description by types.mjs: do not edit.

export interface paths {
    readonly "/api/v2/mcp/tools": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The operations */
        readonly get: operations["listTools"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/mcp/tools/call": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Call one operation */
        readonly post: operations["callTool"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/status": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The desk's state */
        readonly get: operations["getStatus"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/chat": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * A question in words
         * @description Events plan, started, done, failed, confirm, unclear and answer, as they come. What changes something waits for a second call with the token of confirm. Not investment advice.
         */
        readonly post: operations["chat"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/auth/refresh": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * The next tokens of a login
         * @description A refresh token is good once; shown a second time it ends its login. Where access.required is true.
         */
        readonly post: operations["refreshTokens"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/auth/login": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Log in; the session is a cookie */
        readonly post: operations["logIn"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/auth/logout": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** End the session */
        readonly post: operations["logOut"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/auth/register": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Ask for an account; a link is mailed */
        readonly post: operations["register"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/auth/verify": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Make the account, or the address, that a mailed link is for */
        readonly post: operations["verify"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/auth/forgot": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Ask for a link to set another password */
        readonly post: operations["forgot"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/auth/reset": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Set another password by a mailed link */
        readonly post: operations["reset"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/user/export/{export_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The file of an export, for a day */
        readonly get: operations["getExport"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/market/klines": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Klines
         * @description Closed bars (K线) of a symbol, newest by default; give start to read forward.
         *
         *     读取已收盘的K线，默认最新；给出 start 则向后翻页。
         *
         *     Not investment advice.
         */
        readonly get: operations["getKlines"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/analysis/structure": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Chan structure
         * @description Chan structure (缠论) of a symbol: strokes, segments, centers (中枢), divergences, points and the trend.
         *
         *     缠论结构：分型、笔、线段、中枢、背驰、买卖点与走势。
         *
         *     Not investment advice.
         */
        readonly get: operations["analyzeStructure"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/analysis/points": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Buy/sell points
         * @description Buy/sell points (买卖点). Omit symbol to scan the market. Carries state and measured hit rate.
         *
         *     查询买卖点；不给 symbol 则扫描全市场。附状态与实测胜率。
         *
         *     Not investment advice.
         */
        readonly get: operations["queryBuySellPoints"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/alerts": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Alerts
         * @description The alerts (提醒) that the caller has set, newest first.
         *
         *     列出已设置的提醒，最新的在前。
         *
         *     Not investment advice.
         */
        readonly get: operations["listAlerts"];
        readonly put?: never;
        /**
         * Set an alert
         * @description Set an alert (提醒) on points, price, structure, signal or risk, once per client_alert_id; or delete one.
         *
         *     设置提醒：买卖点、价格、结构、信号或风险，可推送到 webhook；同一 client_alert_id 只设一次。也可删除。
         *
         *     Not investment advice.
         */
        readonly post: operations["subscribeAlert"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/alerts/{alert_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Alerts
         * @description The alerts (提醒) that the caller has set, newest first.
         *
         *     列出已设置的提醒，最新的在前。
         *
         *     Not investment advice.
         */
        readonly get: operations["getAlert"];
        readonly put?: never;
        readonly post?: never;
        /**
         * Set an alert
         * @description Set an alert (提醒) on points, price, structure, signal or risk, once per client_alert_id; or delete one.
         *
         *     设置提醒：买卖点、价格、结构、信号或风险，可推送到 webhook；同一 client_alert_id 只设一次。也可删除。
         *
         *     Not investment advice.
         */
        readonly delete: operations["deleteAlert"];
        readonly options?: never;
        readonly head?: never;
        /**
         * Change an alert
         * @description Switch the webhook of an alert (提醒) on or off; what waited is sent once it is on.
         *
         *     开启或关闭某个提醒的 webhook；开启后补发等待中的事件。
         *
         *     Not investment advice.
         */
        readonly patch: operations["patchAlert"];
        readonly trace?: never;
    };
    readonly "/api/v2/alerts/events": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Events of an alert
         * @description What an alert (提醒) heard, after a cursor, oldest first.
         *
         *     某个提醒触发的事件，按先后顺序。
         *
         *     Not investment advice.
         */
        readonly get: operations["getAlertEvents"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/alerts/{alert_id}/events": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Events of an alert
         * @description What an alert (提醒) heard, after a cursor, oldest first.
         *
         *     某个提醒触发的事件，按先后顺序。
         *
         *     Not investment advice.
         */
        readonly get: operations["getEventsOfAlert"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/alerts/deliveries": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Deliveries of an alert
         * @description What became of each event of an alert (提醒) that goes to a webhook or the desk's channels, newest first.
         *
         *     某个提醒的投递记录（webhook 或本机通知渠道），最新的在前。
         *
         *     Not investment advice.
         */
        readonly get: operations["getAlertDeliveries"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/alerts/{alert_id}/deliveries": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Deliveries of an alert
         * @description What became of each event of an alert (提醒) that goes to a webhook or the desk's channels, newest first.
         *
         *     某个提醒的投递记录（webhook 或本机通知渠道），最新的在前。
         *
         *     Not investment advice.
         */
        readonly get: operations["getDeliveriesOfAlert"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/alerts/update": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Change an alert
         * @description Switch the webhook of an alert (提醒) on or off; what waited is sent once it is on.
         *
         *     开启或关闭某个提醒的 webhook；开启后补发等待中的事件。
         *
         *     Not investment advice.
         */
        readonly post: operations["updateAlert"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/alerts/secret": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Secret of a webhook
         * @description Make the secret that signs what an alert (提醒) sends to its webhook; it is shown this once.
         *
         *     为提醒的 webhook 生成新的签名密钥；只显示这一次。
         *
         *     Not investment advice.
         */
        readonly post: operations["renewAlertSecret"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/alerts/{alert_id}/secret": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Secret of a webhook
         * @description Make the secret that signs what an alert (提醒) sends to its webhook; it is shown this once.
         *
         *     为提醒的 webhook 生成新的签名密钥；只显示这一次。
         *
         *     Not investment advice.
         */
        readonly post: operations["renewSecretOfAlert"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/research/backtest": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Backtest
         * @description Backtest points (回测) on bars with costs, hit rate and interval. Long ones give a job_id to poll.
         *
         *     在 K 线上回测买卖点，计入成本，给出胜率与区间；耗时的返回 job_id。
         *
         *     Not investment advice.
         */
        readonly post: operations["backtestStrategy"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/jobs": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Jobs
         * @description The caller's jobs (任务) of the last 7 days, newest first.
         *
         *     列出最近 7 天的任务，最新的在前。
         *
         *     Not investment advice.
         */
        readonly get: operations["listJobs"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/jobs/{job_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Job
         * @description How one of the caller's jobs (任务) stands. Free.
         *
         *     查询一个任务的状态与进度；免费。
         *
         *     Not investment advice.
         */
        readonly get: operations["getJob"];
        readonly put?: never;
        readonly post?: never;
        /**
         * Cancel a job
         * @description Stop one of the caller's jobs (任务) at its next step. Free.
         *
         *     取消一个任务，在下一步停止；免费。
         *
         *     Not investment advice.
         */
        readonly delete: operations["cancelJob"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/jobs/{job_id}/result": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Rows of a job
         * @description The rows of a job's result (任务结果): trades, sums by symbol, or equity. REST has Parquet.
         *
         *     任务结果的明细：每笔交易、各标的汇总或权益；REST 可取 Parquet。
         *
         *     Not investment advice.
         */
        readonly get: operations["getJobResult"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/orders": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Orders
         * @description Orders (订单) of the desk, newest first, with their fills and how they ended.
         *
         *     查询订单及其成交，最新在前。
         *
         *     Not investment advice.
         */
        readonly get: operations["getOrders"];
        readonly put?: never;
        /**
         * Trade
         * @description Trade (下单): previews, free; called again with confirmation_token it orders, once per client_order_id.
         *
         *     下单：首次调用免费预览，带 confirmation_token 再次调用即下单，须经风控；同一 client_order_id 即同一订单。
         *
         *     Not investment advice.
         */
        readonly post: operations["executeTrade"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/orders/cancel": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Cancel an order
         * @description Cancel an order (撤单) by your id or the venue's. A protective stop is not cancelled.
         *
         *     撤单；保护性止损不可撤。
         *
         *     Not investment advice.
         */
        readonly post: operations["cancelOrder"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/positions": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Positions
         * @description Open positions (持仓) with stop, take-profit and armed triggers; open orders; equity and margin ratio.
         *
         *     查询持仓、止损止盈、触发器、未结订单、权益与保证金率。
         *
         *     Not investment advice.
         */
        readonly get: operations["getPosition"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/market/status": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Market status
         * @description Desk mode and ladder; session, last price, age, spread and gaps (缺口) of symbols.
         *
         *     交易台模式与权限阶梯；标的的时段、最新价、时效、价差与缺口。
         *
         *     Not investment advice.
         */
        readonly get: operations["getMarketStatus"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/research/performance": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Performance
         * @description What closed trades (业绩) came to, net of costs, or those of a backtest's job_id.
         *
         *     已平仓交易的业绩，计入成本；给出 job_id 则为该回测。
         *
         *     Not investment advice.
         */
        readonly get: operations["getPerformance"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/research/report": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Report
         * @description The report (报告) of a run or of one UTC day: what was seen, refused, traded, paid and kept.
         *
         *     某次运行或某一天的报告：信号、拒绝、成交、成本与净值。
         *
         *     Not investment advice.
         */
        readonly get: operations["getReport"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/market/snapshot": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Live snapshot
         * @description Newest quote, trade, mark and book state of each symbol, with ages and data quality (数据质量).
         *
         *     每个标的最新的报价、成交、标记价与盘口状态，附时效与数据质量。
         *
         *     Not investment advice.
         */
        readonly get: operations["getLiveSnapshot"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/market/slice": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Historical slice
         * @description Recorded rows, or bars of an interval, in [start_ts, end_ts) Unix ms, page by page, with the gaps.
         *
         *     读取 [start_ts, end_ts)（Unix 毫秒）内的原始行或K线，分页，并列出缺口。
         *
         *     Not investment advice.
         */
        readonly get: operations["getHistoricalSlice"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/analysis/signals": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Signals
         * @description Signals (信号) of the desk or of a sink, newest first, refusals with their reasons too.
         *
         *     查询信号，最新在前；被拒绝的也附原因。
         *
         *     Not investment advice.
         */
        readonly get: operations["getSignals"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/analysis/features": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Order-flow features
         * @description Order-flow features (订单流特征) of market rows, batch by batch. Contemporaneous: they predict nothing.
         *
         *     由行情行计算订单流特征，可分批；只描述当下，不预测。
         *
         *     Not investment advice.
         */
        readonly post: operations["computeFeatures"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/decisions/explain": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Why
         * @description Why the desk decided as it did: the chain of a decision (决定), refusals and abstentions too.
         *
         *     解释一次决定：从数据到成交的全过程，含拒绝与弃权；不给 name 则为最近一次拒绝。
         *
         *     Not investment advice.
         */
        readonly get: operations["explainDecision"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/positions/close": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Close everything
         * @description Cancel every opening order and close every position (全部平仓) at market, reduce-only; safe to repeat.
         *
         *     撤销全部开仓单并以只减仓市价平掉全部持仓，可重复调用。
         *
         *     Not investment advice.
         */
        readonly post: operations["closeAll"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/risk/check": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Check a trade against the gate
         * @description What the risk gate (风控闸门) would say of a trade now, with every check; nothing is sent or reserved.
         *
         *     风控闸门预检：返回全部检查结果，不下单、不占用额度。
         *
         *     Not investment advice.
         */
        readonly post: operations["checkRisk"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/risk/state": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Where risk stands
         * @description Level, drawdown, day loss, wall, halt and what a promotion still lacks (风险状态).
         *
         *     查询权限等级、回撤、日亏损、亏损墙、停机状态与晋级所缺条件。
         *
         *     Not investment advice.
         */
        readonly get: operations["getRiskState"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/risk/halt": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Halt
         * @description Open nothing from now on (停机): opening orders are cancelled, stops stay; close also closes positions.
         *
         *     停机：撤销开仓单、保留止损；close 为真时同时平仓。
         *
         *     Not investment advice.
         */
        readonly post: operations["halt"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/risk/resume": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Resume
         * @description Let a halted desk open again (恢复); needs the file HALT gone, books that agree, and a note.
         *
         *     恢复开仓：须已删除 HALT 文件、账目一致，并附说明。
         *
         *     Not investment advice.
         */
        readonly post: operations["resume"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/risk/level": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Set the ladder's level
         * @description Lower the permission level (权限等级), or lead the desk from L0 to L1 after a review. For people alone.
         *
         *     下调权限等级，或在人工复核后由 L0 升至 L1；不提供给模型。
         *
         *     Not investment advice.
         */
        readonly post: operations["setLevel"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/risk/approve": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Approve a waiting trade
         * @description Proposals that wait for a person (人工批准), approve one or deny it; none waits on paper. For people.
         *
         *     列出、批准或否决等待人工确认的提议；模拟盘无需批准；不提供给模型。
         *
         *     Not investment advice.
         */
        readonly post: operations["approve"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/risk/wall": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Lift the loss wall
         * @description Let openings go on behind the soft loss wall (解除亏损墙), with a note, below 5 % of day loss; for people.
         *
         *     附说明解除软亏损墙；日亏损达 5 % 时不可解除；不提供给模型。
         *
         *     Not investment advice.
         */
        readonly post: operations["liftWall"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/decisions": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Ask for a decision
         * @description Ask the desk's analyst for a decision (请求决策) on a symbol or position; the gate judges the proposal.
         *
         *     请求分析师对某标的或持仓作出决策；结果仍须经风控。
         *
         *     Not investment advice.
         */
        readonly post: operations["requestAnalysis"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/user/quota": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Quotas
         * @description The caller's plan and quotas (配额): used, limit, reset. Free.
         *
         *     查询套餐与配额的用量、上限与重置时间；免费。
         *
         *     Not investment advice.
         */
        readonly get: operations["getUserQuota"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/keys": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * API keys
         * @description The caller's API keys (密钥), without their secrets.
         *
         *     列出调用者的 API 密钥（不含密文）。
         *
         *     Not investment advice.
         */
        readonly get: operations["listKeys"];
        readonly put?: never;
        /**
         * Create an API key
         * @description Make an API key that may no more than the caller; its text is shown this once.
         *
         *     创建 API 密钥，权限不超过调用者；明文仅显示一次。
         *
         *     Not investment advice.
         */
        readonly post: operations["createKey"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/keys/update": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Change an API key
         * @description Rename one of the caller's API keys, or narrow its scopes, addresses and end.
         *
         *     修改密钥的名称，或收窄其权限、地址与有效期。
         *
         *     Not investment advice.
         */
        readonly post: operations["updateKey"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/keys/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post?: never;
        /**
         * Revoke an API key
         * @description End one of the caller's API keys (吊销); it is refused within a second.
         *
         *     吊销密钥，一秒内失效。
         *
         *     Not investment advice.
         */
        readonly delete: operations["deleteKey"];
        readonly options?: never;
        readonly head?: never;
        /**
         * Change an API key
         * @description Rename one of the caller's API keys, or narrow its scopes, addresses and end.
         *
         *     修改密钥的名称，或收窄其权限、地址与有效期。
         *
         *     Not investment advice.
         */
        readonly patch: operations["patchKey"];
        readonly trace?: never;
    };
    readonly "/api/v2/keys/rotate": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Rotate an API key
         * @description Make a key like another of the caller's, which ends after a grace; the new text is shown this once.
         *
         *     轮换密钥：旧密钥在宽限期后失效；新明文仅显示一次。
         *
         *     Not investment advice.
         */
        readonly post: operations["rotateKey"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/keys/{id}/rotate": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Rotate an API key
         * @description Make a key like another of the caller's, which ends after a grace; the new text is shown this once.
         *
         *     轮换密钥：旧密钥在宽限期后失效；新明文仅显示一次。
         *
         *     Not investment advice.
         */
        readonly post: operations["rotateKeyById"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/keys/revoke": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Revoke an API key
         * @description End one of the caller's API keys (吊销); it is refused within a second.
         *
         *     吊销密钥，一秒内失效。
         *
         *     Not investment advice.
         */
        readonly post: operations["revokeKey"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/audit": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * The audit
         * @description Who called what, when, through which door, and how it ended (审计), newest first.
         *
         *     审计记录：谁在何时经何入口调用了什么、结果如何，最新在前。
         *
         *     Not investment advice.
         */
        readonly get: operations["getAudit"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/billing/plans": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Plans
         * @description The plans (套餐): what each allows, and its price where it is sold.
         *
         *     套餐列表：额度与价格。
         *
         *     Not investment advice.
         */
        readonly get: operations["listPlans"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/billing/checkout": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Buy a plan
         * @description The payment provider's page where a plan is bought (购买套餐).
         *
         *     打开支付页面以购买套餐。
         *
         *     Not investment advice.
         */
        readonly post: operations["startCheckout"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/billing/portal": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Payment details
         * @description The caller's page at the payment provider (支付详情): cards, invoices.
         *
         *     打开支付服务商的客户页面：银行卡与发票。
         *
         *     Not investment advice.
         */
        readonly post: operations["openPortal"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/billing/subscription": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Subscription
         * @description The caller's plan and subscription (订阅).
         *
         *     查询当前套餐与订阅状态。
         *
         *     Not investment advice.
         */
        readonly get: operations["getSubscription"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        /**
         * Change the plan
         * @description Change the plan (更换套餐): a larger one holds at once, a smaller one when the period ends.
         *
         *     更换套餐：升级立即生效，降级于周期结束时生效。
         *
         *     Not investment advice.
         */
        readonly patch: operations["changeSubscription"];
        readonly trace?: never;
    };
    readonly "/api/v2/billing/report": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Billing report
         * @description Accounts, who pays, what recurs and who left, by month (账单报告).
         *
         *     运营报告：账户、付费、经常性收入与流失。
         *
         *     Not investment advice.
         */
        readonly get: operations["getBillingReport"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/user": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * The caller
         * @description The caller's name, address, roles, scopes and plan.
         *
         *     调用者的名称、邮箱、角色、权限与套餐。
         *
         *     Not investment advice.
         */
        readonly get: operations["getUser"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        /**
         * Change the caller
         * @description Change the caller's name, password or address (by a mailed link); a new password ends other sessions.
         *
         *     修改名称、密码或邮箱（邮箱需经邮件确认）；修改密码后其他会话失效。
         *
         *     Not investment advice.
         */
        readonly patch: operations["updateUser"];
        readonly trace?: never;
    };
    readonly "/api/v2/user/notice": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * The notice
         * @description The notice that a new user accepts before the desk works for them.
         *
         *     新用户使用前须接受的声明。
         *
         *     Not investment advice.
         */
        readonly get: operations["getNotice"];
        readonly put?: never;
        /**
         * Accept the notice
         * @description Record, with the time, that the caller accepts a version of the notice.
         *
         *     记录调用者接受声明的版本与时间。
         *
         *     Not investment advice.
         */
        readonly post: operations["acceptNotice"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/user/sessions": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Sessions
         * @description The caller's sessions (会话) in browsers.
         *
         *     列出调用者的登录会话。
         *
         *     Not investment advice.
         */
        readonly get: operations["listSessions"];
        readonly put?: never;
        readonly post?: never;
        /**
         * End sessions
         * @description End one of the caller's sessions, or all but the present one.
         *
         *     结束指定会话，或除当前外的全部会话。
         *
         *     Not investment advice.
         */
        readonly delete: operations["endSessions"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/auth/totp": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Set up an authenticator
         * @description Offer a secret for an authenticator (TOTP, 动态口令), shown this once.
         *
         *     生成动态口令密钥，仅显示一次。
         *
         *     Not investment advice.
         */
        readonly post: operations["enrollTotp"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/auth/totp/confirm": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Put an authenticator in use
         * @description Put the offered authenticator in use by a code of it; recovery codes are shown this once.
         *
         *     以口令启用验证器；恢复码仅显示一次。
         *
         *     Not investment advice.
         */
        readonly post: operations["confirmTotp"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/auth/totp/end": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * End the authenticator
         * @description Ask for no codes any more; takes the password and a code.
         *
         *     停用动态口令，需密码与口令。
         *
         *     Not investment advice.
         */
        readonly post: operations["endTotp"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/user/export": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Take one's data along
         * @description Build a ZIP of all that the desk keeps of the caller (数据导出); it can be fetched for a day.
         *
         *     导出调用者的全部数据（ZIP），一天内可下载。
         *
         *     Not investment advice.
         */
        readonly post: operations["exportData"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/user/delete": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * End the account
         * @description Ask for the account's end (注销): erased after 14 days unless withdrawn; refused with open positions.
         *
         *     申请注销账户：14 天后抹除，期间可撤回；有持仓时拒绝。
         *
         *     Not investment advice.
         */
        readonly post: operations["deleteAccount"];
        /**
         * Stay
         * @description Withdraw what was asked of delete_account.
         *
         *     撤回注销申请。
         *
         *     Not investment advice.
         */
        readonly delete: operations["withdrawDeletion"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/users": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Users
         * @description The users of the desk, oldest first.
         *
         *     列出用户，最早在前。
         *
         *     Not investment advice.
         */
        readonly get: operations["listUsers"];
        readonly put?: never;
        /**
         * Add a user
         * @description Add a user, who sets a password by a link: mailed, or shown this once.
         *
         *     添加用户；用户经邮件（或一次性显示的）链接设置密码。
         *
         *     Not investment advice.
         */
        readonly post: operations["addUser"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/users/{user_id}/roles": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        /**
         * Set a user's roles
         * @description Set all the roles of a user; they count at the next call.
         *
         *     设置用户的全部角色，下次调用起生效。
         *
         *     Not investment advice.
         */
        readonly put: operations["setRoles"];
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/users/invitations": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Invite
         * @description Make an invitation by which somebody may sign up; it holds once, for seven days.
         *
         *     生成一次性邀请码，七天有效。
         *
         *     Not investment advice.
         */
        readonly post: operations["inviteUser"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/v2/ws/ticket": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Ticket for a socket
         * @description A ticket (连接票据) that opens one WebSocket within 30 seconds, as the query parameter ticket.
         *
         *     领取一次性连接票据，30 秒内用查询参数 ticket 打开一个 WebSocket。
         *
         *     Not investment advice.
         */
        readonly post: operations["createSocketTicket"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * ErrorBody
         * @description The one error body. Nulls are present; rejected values are never repeated.
         */
        readonly ErrorBody: {
            /** Code */
            readonly code: string;
            /** Message */
            readonly message: string;
            /** Retryable */
            readonly retryable: boolean;
            /** Retry After Ms */
            readonly retry_after_ms: number | null;
            /** Field */
            readonly field: string | null;
            /** Suggestion */
            readonly suggestion: string | null;
            /** Request Id */
            readonly request_id: string;
        };
        /**
         * QuotaBody
         * @description The body of a call over quota. A limit of -1 is none; without `resets_at` the quota counts what exists now.
         */
        readonly QuotaBody: {
            /** Code */
            readonly code: string;
            /** Message */
            readonly message: string;
            /** Retryable */
            readonly retryable: boolean;
            /** Retry After Ms */
            readonly retry_after_ms: number | null;
            /** Field */
            readonly field: string | null;
            /** Suggestion */
            readonly suggestion: string | null;
            /** Request Id */
            readonly request_id: string;
            /** Error */
            readonly error: string;
            /** Tool */
            readonly tool: string;
            /** Quota */
            readonly quota: string;
            /** Used */
            readonly used: number;
            /** Limit */
            readonly limit: number;
            /** Period */
            readonly period: string;
            /** Upgrade Url */
            readonly upgrade_url: string;
            /** Resets At */
            readonly resets_at: string | null;
        };
        readonly MCPTool: {
            readonly name: string;
            readonly description: string;
            readonly inputSchema: Record<string, never>;
            readonly quotaCost: number;
        };
        readonly MCPCallRequest: {
            readonly name: string;
            readonly arguments?: Record<string, never>;
        };
        readonly MCPCallResult: {
            readonly content: readonly Record<string, never>[];
            readonly structuredContent: Record<string, never>;
            readonly isError: boolean;
            readonly usage: Record<string, never>;
        };
        /**
         * Klines
         * @description Closed bars in ascending order. `last_closed` is when the last row closed; volume in base, amount in quote.
         */
        readonly Klines: {
            /** Symbol */
            readonly symbol: string;
            /**
             * Level
             * @enum {string}
             */
            readonly level: "1s" | "5s" | "15s" | "1m" | "5m" | "30m" | "1h" | "1d" | "1w" | "1M";
            /** Columns */
            readonly columns: readonly string[];
            /** Rows */
            readonly rows: readonly (readonly [
                string,
                number,
                number,
                number,
                number,
                number,
                number
            ])[];
            /** Last Closed */
            readonly last_closed: string | null;
            /** Next Cursor */
            readonly next_cursor: string | null;
            /** Known At */
            readonly known_at: string;
            /** Stale Ms */
            readonly stale_ms: number | null;
        };
        /**
         * CenterRow
         * @description A center (中枢) of strokes or, with `-seg` in its id, of segments: its range zd to zg, its peaks dd and gg.
         *
         *     `from` and `to` are the opens of the bars at which its first element starts and its last one ends.
         */
        readonly CenterRow: {
            /** Id */
            readonly id: string;
            /** Zg */
            readonly zg: number;
            /** Zd */
            readonly zd: number;
            /** Gg */
            readonly gg: number;
            /** Dd */
            readonly dd: number;
            /** From */
            readonly from: string;
            /** To */
            readonly to: string;
            /**
             * State
             * @enum {string}
             */
            readonly state: "provisional" | "confirmed" | "void";
        };
        /**
         * DivergenceRow
         * @description A divergence (背驰): the force of the last leg was `ratio` times that of an earlier one.
         *
         *     It is of a trend where a center lies between the two (point 1), else of a consolidation (1p). `strokes` are the ids
         *     of the earlier leg and of the last one, both segments where `-seg` stands in the id.
         */
        readonly DivergenceRow: {
            /** Id */
            readonly id: string;
            /**
             * Kind
             * @enum {string}
             */
            readonly kind: "trend" | "consolidation";
            /** Ratio */
            readonly ratio: number | null;
            /** Strokes */
            readonly strokes: readonly [
                string | null,
                string
            ];
            /** Time */
            readonly time: string;
            /** Price */
            readonly price: number;
            /**
             * State
             * @enum {string}
             */
            readonly state: "provisional" | "confirmed" | "void";
        };
        /**
         * End
         * @description Where a stroke or segment starts or ends: the open of its bar, and the price in quote.
         */
        readonly End: {
            /** Time */
            readonly time: string;
            /** Price */
            readonly price: number;
        };
        /**
         * FractalRow
         * @description A fractal (分型) at which strokes meet: the start of the first, or the end of one, in whose state it stands.
         */
        readonly FractalRow: {
            /** Id */
            readonly id: string;
            /**
             * Kind
             * @enum {string}
             */
            readonly kind: "top" | "bottom";
            /** Time */
            readonly time: string;
            /** Price */
            readonly price: number;
            /**
             * State
             * @enum {string}
             */
            readonly state: "provisional" | "confirmed" | "void";
        };
        /**
         * LegRow
         * @description A stroke (笔) or segment (线段). A confirmed id names the same one while `first_bar` stays the same.
         */
        readonly LegRow: {
            /** Id */
            readonly id: string;
            /**
             * Dir
             * @enum {string}
             */
            readonly dir: "up" | "down";
            readonly start: components["schemas"]["End"];
            readonly end: components["schemas"]["End"];
            /**
             * State
             * @enum {string}
             */
            readonly state: "provisional" | "confirmed" | "void";
        };
        /**
         * PointRow
         * @description A point. `time` is the open of the bar at whose extreme it lies, `price` that extreme in quote.
         *
         *     `first_seen`, `confirmed_at` and `void_at` are the closes of the bars that told it. `center_id` is the center that
         *     the type's rule looks at: null for types without one, and for what was withdrawn.
         */
        readonly PointRow: {
            /** Id */
            readonly id: string;
            /** Symbol */
            readonly symbol: string;
            /**
             * Level
             * @enum {string}
             */
            readonly level: "1s" | "5s" | "15s" | "1m" | "5m" | "30m" | "1h" | "1d" | "1w" | "1M";
            /**
             * Type
             * @enum {string}
             */
            readonly type: "buy1" | "buy2" | "buy3" | "sell1" | "sell2" | "sell3";
            /** Subtype */
            readonly subtype: string;
            /** Price */
            readonly price: number;
            /** Time */
            readonly time: string;
            /** Confirmed */
            readonly confirmed: boolean;
            /**
             * State
             * @enum {string}
             */
            readonly state: "provisional" | "confirmed" | "void";
            /** First Seen */
            readonly first_seen: string;
            /** Confirmed At */
            readonly confirmed_at: string | null;
            /** Void At */
            readonly void_at: string | null;
            /** Center Id */
            readonly center_id: string | null;
            readonly stats: components["schemas"]["PointStats"];
        };
        /**
         * PointStats
         * @description What a certificate measured of a point's type, side and level; all null without one. Shares are 0 to 1.
         *
         *     `n` entries were made after points of the same state; `hit_rate` of them reached the target before the stop,
         *     `ci_low` to `ci_high` with 95 % confidence. `retract_rate` is the share of all ever shown that was withdrawn.
         */
        readonly PointStats: {
            /** N */
            readonly n: number | null;
            /** Hit Rate */
            readonly hit_rate: number | null;
            /** Ci Low */
            readonly ci_low: number | null;
            /** Ci High */
            readonly ci_high: number | null;
            /** Retract Rate */
            readonly retract_rate: number | null;
            /** Lag Bars P50 */
            readonly lag_bars_p50: number | null;
        };
        /**
         * StructureRead
         * @description The structure of `bars` bars, the first of which opened at `first_bar`; older ones were left out if `truncated`.
         *
         *     Parts are null when not asked for, oldest first, and an empty list means that there is none. `trend` is null
         *     without a center.
         */
        readonly StructureRead: {
            /** Symbol */
            readonly symbol: string;
            /**
             * Level
             * @enum {string}
             */
            readonly level: "1s" | "5s" | "15s" | "1m" | "5m" | "30m" | "1h" | "1d" | "1w" | "1M";
            /** Bars */
            readonly bars: number;
            /** First Bar */
            readonly first_bar: string | null;
            /** Truncated */
            readonly truncated: boolean;
            /** Trend */
            readonly trend: ("up" | "down" | "range") | null;
            /** Fractals */
            readonly fractals: readonly components["schemas"]["FractalRow"][] | null;
            /** Strokes */
            readonly strokes: readonly components["schemas"]["LegRow"][] | null;
            /** Segments */
            readonly segments: readonly components["schemas"]["LegRow"][] | null;
            /** Centers */
            readonly centers: readonly components["schemas"]["CenterRow"][] | null;
            /** Divergences */
            readonly divergences: readonly components["schemas"]["DivergenceRow"][] | null;
            /** Points */
            readonly points: readonly components["schemas"]["PointRow"][] | null;
            /** Summary */
            readonly summary: string;
            /** Known At */
            readonly known_at: string;
            /** Stale Ms */
            readonly stale_ms: number | null;
        };
        /**
         * PointsFound
         * @description Points, newest first. `scanned` counts the symbols that had bars.
         */
        readonly PointsFound: {
            /** Points */
            readonly points: readonly components["schemas"]["PointRow"][];
            /** Scanned */
            readonly scanned: number;
            /** Next Cursor */
            readonly next_cursor: string | null;
            /** Known At */
            readonly known_at: string;
            /** Stale Ms */
            readonly stale_ms: number | null;
        };
        /**
         * AlertSet
         * @description An alert. `cursor` is where its events begin, `remaining` how many more the account may have.
         */
        readonly AlertSet: {
            /** Alert Id */
            readonly alert_id: string;
            /** Resource */
            readonly resource: string;
            /**
             * Status
             * @enum {string}
             */
            readonly status: "active" | "paused" | "deleted" | "expired";
            /** Cursor */
            readonly cursor: string;
            /** Remaining */
            readonly remaining: number;
        };
        /**
         * AlertRow
         * @description An alert as it was set. Of a webhook the host is shown, and why it is off where it is; `failures` are in a row.
         *
         *     The plan of its owner pauses an alert: it hears nothing until the plan has room for it again.
         */
        readonly AlertRow: {
            /** Alert Id */
            readonly alert_id: string;
            /** Client Alert Id */
            readonly client_alert_id: string;
            /** Resource */
            readonly resource: string;
            /**
             * Kind
             * @enum {string}
             */
            readonly kind: "buy_sell_points" | "price" | "structure" | "signal" | "risk";
            /** Symbols */
            readonly symbols: readonly string[];
            /** Level */
            readonly level: ("1s" | "5s" | "15s" | "1m" | "5m" | "30m" | "1h" | "1d" | "1w" | "1M") | null;
            /** Type */
            readonly type: readonly string[];
            /** Above */
            readonly above: number | null;
            /** Below */
            readonly below: number | null;
            /**
             * Status
             * @enum {string}
             */
            readonly status: "active" | "paused" | "deleted" | "expired";
            /** Webhook */
            readonly webhook: string | null;
            /** Webhook Off */
            readonly webhook_off: string | null;
            /** Failures */
            readonly failures: number;
            /** Notify */
            readonly notify: boolean;
            /** Created At */
            readonly created_at: string;
            /** Expires At */
            readonly expires_at: string | null;
        };
        /**
         * AlertsListed
         * @description Alerts, newest first.
         */
        readonly AlertsListed: {
            /** Alerts */
            readonly alerts: readonly components["schemas"]["AlertRow"][];
            /** Next Cursor */
            readonly next_cursor: string | null;
            /** Known At */
            readonly known_at: string;
        };
        /**
         * AlertEvent
         * @description Something an alert waited for. `data` is what the WebSocket pushes, too.
         */
        readonly AlertEvent: {
            /** Cursor */
            readonly cursor: string;
            /** Known At */
            readonly known_at: string;
            /** Data */
            readonly data: {
                readonly [key: string]: unknown;
            };
        };
        /**
         * AlertEvents
         * @description Events in their order. `cursor` is the last one's, `more` whether others follow it.
         */
        readonly AlertEvents: {
            /** Alert Id */
            readonly alert_id: string;
            /** Events */
            readonly events: readonly components["schemas"]["AlertEvent"][];
            /** Cursor */
            readonly cursor: string | null;
            /** More */
            readonly more: boolean;
        };
        /**
         * DeliveryRow
         * @description A delivery of an event. `id` is the same at every attempt; `status` and `error` are of the last one.
         *
         *     State `off` is one that waits for its webhook to be switched on; `next_at` is when one that waits is tried.
         */
        readonly DeliveryRow: {
            /** Id */
            readonly id: string;
            /** Event */
            readonly event: string;
            /**
             * Channel
             * @enum {string}
             */
            readonly channel: "webhook" | "desk";
            /**
             * State
             * @enum {string}
             */
            readonly state: "waiting" | "delivered" | "off";
            /** Attempts */
            readonly attempts: number;
            /** Created At */
            readonly created_at: string;
            /** Last At */
            readonly last_at: string | null;
            /** Next At */
            readonly next_at: string | null;
            /** Status */
            readonly status: number | null;
            /** Error */
            readonly error: string | null;
        };
        /**
         * AlertDeliveries
         * @description Deliveries, newest first; as long as the log keeps the events. `off` is why the webhook is off.
         */
        readonly AlertDeliveries: {
            /** Alert Id */
            readonly alert_id: string;
            /** Webhook */
            readonly webhook: string | null;
            /** Off */
            readonly off: string | null;
            /** Failures */
            readonly failures: number;
            /** Deliveries */
            readonly deliveries: readonly components["schemas"]["DeliveryRow"][];
            /** Next Cursor */
            readonly next_cursor: string | null;
        };
        /**
         * AlertUpdated
         * @description The webhook as it is now.
         */
        readonly AlertUpdated: {
            /** Alert Id */
            readonly alert_id: string;
            /** Webhook */
            readonly webhook: string;
            /** Off */
            readonly off: string | null;
        };
        /**
         * AlertSecret
         * @description The secret that signs what is sent from now on: nobody can read it again.
         */
        readonly AlertSecret: {
            /** Alert Id */
            readonly alert_id: string;
            /** Secret */
            readonly secret: string;
        };
        /**
         * BacktestResult
         * @description Money in quote, shares as fractions. `sharpe` is of daily returns a year, null with `sharpe_reason`.
         *
         *     `trials` counts how many backtests were recorded on this desk, this one included: the more, the less one is worth.
         *     `skipped` are symbols without bars of the level. There is no gate in it, and the symbols are today's.
         */
        readonly BacktestResult: {
            /** Trades */
            readonly trades: number;
            /** Gross */
            readonly gross: number;
            /** Costs */
            readonly costs: number;
            /** Net */
            readonly net: number;
            /** Return Frac */
            readonly return_frac: number;
            /** Max Drawdown Frac */
            readonly max_drawdown_frac: number;
            /** Sharpe */
            readonly sharpe: number | null;
            /** Sharpe Reason */
            readonly sharpe_reason: string;
            /** Hit Rate */
            readonly hit_rate: number | null;
            readonly ci: components["schemas"]["Bounds"];
            /** Trials */
            readonly trials: number;
            /** Start */
            readonly start: string | null;
            /** End */
            readonly end: string | null;
            /** By Symbol */
            readonly by_symbol: readonly components["schemas"]["SymbolResult"][];
            /** Skipped */
            readonly skipped: readonly string[];
        };
        /**
         * Bounds
         * @description The 95 % interval of the hit rate; both null without a trade.
         */
        readonly Bounds: {
            /** Low */
            readonly low: number | null;
            /** High */
            readonly high: number | null;
        };
        /**
         * SymbolResult
         * @description What one symbol came to, in quote.
         */
        readonly SymbolResult: {
            /** Symbol */
            readonly symbol: string;
            /** Bars */
            readonly bars: number;
            /** Trades */
            readonly trades: number;
            /** Net */
            readonly net: number;
            /** Hit Rate */
            readonly hit_rate: number | null;
        };
        /**
         * Backtested
         * @description How the job stands; `result` is null until it has succeeded, `problem` says why it failed.
         */
        readonly Backtested: {
            /** Job Id */
            readonly job_id: string;
            /**
             * Status
             * @enum {string}
             */
            readonly status: "queued" | "running" | "succeeded" | "failed" | "cancelled";
            /** Progress */
            readonly progress: number;
            readonly result: components["schemas"]["BacktestResult"] | null;
            /** Problem */
            readonly problem: string | null;
            /** Resource */
            readonly resource: string;
        };
        /**
         * JobRow
         * @description How a job stands. `attempts` counts how often it was begun; it is forgotten at `expires`.
         */
        readonly JobRow: {
            /** Job Id */
            readonly job_id: string;
            /** Operation */
            readonly operation: string;
            /**
             * Status
             * @enum {string}
             */
            readonly status: "queued" | "running" | "succeeded" | "failed" | "cancelled";
            /** Progress */
            readonly progress: number;
            /** Attempts */
            readonly attempts: number;
            /** Problem */
            readonly problem: string | null;
            /** Created */
            readonly created: string;
            /** Changed */
            readonly changed: string;
            /** Expires */
            readonly expires: string;
            /** Resource */
            readonly resource: string;
        };
        /**
         * JobsListed
         * @description Jobs, newest first.
         */
        readonly JobsListed: {
            /** Jobs */
            readonly jobs: readonly components["schemas"]["JobRow"][];
            /** Next Cursor */
            readonly next_cursor: string | null;
        };
        /**
         * JobRows
         * @description A page of a result's rows, `total` in all.
         */
        readonly JobRows: {
            /** Job Id */
            readonly job_id: string;
            /** Part */
            readonly part: string;
            /** Columns */
            readonly columns: readonly string[];
            /** Rows */
            readonly rows: readonly (readonly unknown[])[];
            /** Total */
            readonly total: number;
            /** Next Cursor */
            readonly next_cursor: string | null;
        };
        /**
         * LimitRow
         * @description A limit: what it would be after the trade, and its bound.
         */
        readonly LimitRow: {
            /** Name */
            readonly name: string;
            /** Value */
            readonly value: string;
            /** Bound */
            readonly bound: string;
        };
        /**
         * OrderRead
         * @description How an order stands. `filled` in base units, `avg_price` in quote.
         */
        readonly OrderRead: {
            /** Client Order Id */
            readonly client_order_id: string | null;
            /** Venue Order Id */
            readonly venue_order_id: string;
            /** State */
            readonly state: string;
            /** Filled */
            readonly filled: string;
            /** Avg Price */
            readonly avg_price: string | null;
        };
        /**
         * ReasonRow
         * @description Why something was refused: a stable code, what was found and what is allowed, and both in a sentence.
         */
        readonly ReasonRow: {
            /** Code */
            readonly code: string;
            /** Value */
            readonly value: string;
            /** Bound */
            readonly bound: string;
            /** Message */
            readonly message: string;
        };
        /**
         * TradePreview
         * @description What a trade would come to, in quote.
         *
         *     `worst_loss` is what is lost at the stop, costs included, `fees` the taker's both ways, `equity_after` what is left
         *     once it has filled.
         */
        readonly TradePreview: {
            /** Notional */
            readonly notional: string;
            /** Worst Loss */
            readonly worst_loss: string;
            /** Fees */
            readonly fees: string;
            /** Equity After */
            readonly equity_after: string;
            /** Limits */
            readonly limits: readonly components["schemas"]["LimitRow"][];
        };
        /**
         * TradeDone
         * @description What a trade came to: a preview to confirm, a wait for a person, a refusal with every reason, or an order.
         *
         *     `replayed` is what it came to before.
         */
        readonly TradeDone: {
            /**
             * Status
             * @enum {string}
             */
            readonly status: "confirmation_required" | "approval_required" | "refused" | "submitted" | "filled" | "unknown" | "replayed";
            readonly preview: components["schemas"]["TradePreview"] | null;
            /** Confirmation Token */
            readonly confirmation_token: string | null;
            /** Expires At */
            readonly expires_at: string | null;
            /** Approval Id */
            readonly approval_id: string | null;
            readonly order: components["schemas"]["OrderRead"] | null;
            /** Reasons */
            readonly reasons: readonly components["schemas"]["ReasonRow"][];
        };
        /**
         * OrderCancelled
         * @description How the order stands now; a cancel that the venue has not answered yet is `pending_cancel`.
         */
        readonly OrderCancelled: {
            /** Client Order Id */
            readonly client_order_id: string;
            /** State */
            readonly state: string;
            /** Filled */
            readonly filled: string;
        };
        /**
         * OrderRow
         * @description An order that is still open. `filled` and `leaves` in base units.
         */
        readonly OrderRow: {
            /** Client Order Id */
            readonly client_order_id: string;
            /** Symbol */
            readonly symbol: string;
            /**
             * Leg
             * @enum {string}
             */
            readonly leg: "entry" | "stop" | "take_profit" | "exit";
            /** State */
            readonly state: string;
            /** Filled */
            readonly filled: string;
            /** Leaves */
            readonly leaves: string;
            /** At */
            readonly at: string;
        };
        /**
         * PositionRow
         * @description A net position. Prices in quote, size in base units; `triggers` counts what is armed on the symbol.
         */
        readonly PositionRow: {
            /** Symbol */
            readonly symbol: string;
            /**
             * Side
             * @enum {string}
             */
            readonly side: "long" | "short";
            /** Size */
            readonly size: string;
            /** Entry */
            readonly entry: string;
            /** Mark */
            readonly mark: string;
            /** Unrealised */
            readonly unrealised: string;
            /** Leverage */
            readonly leverage: number;
            /** Stop */
            readonly stop: string | null;
            /** Take Profit */
            readonly take_profit: string | null;
            /** Protected */
            readonly protected: boolean;
            /** Triggers */
            readonly triggers: number;
        };
        /**
         * Positions
         * @description Positions, open orders and margin.
         *
         *     `margin_ratio` is equity over the sum of |notional|, null without positions. `reconciled_at` is null while our books
         *     and the venue's disagree.
         */
        readonly Positions: {
            /**
             * Mode
             * @enum {string}
             */
            readonly mode: "paper" | "live";
            /** Positions */
            readonly positions: readonly components["schemas"]["PositionRow"][];
            /** Orders */
            readonly orders: readonly components["schemas"]["OrderRow"][];
            /** Equity */
            readonly equity: string;
            /** Margin Ratio */
            readonly margin_ratio: number | null;
            /** Reconciled At */
            readonly reconciled_at: string | null;
            /** Known At */
            readonly known_at: string;
            /** Stale Ms */
            readonly stale_ms: number | null;
        };
        /**
         * DeskRow
         * @description The desk; null where none has run.
         */
        readonly DeskRow: {
            /** Mode */
            readonly mode: string;
            /** Ladder Level */
            readonly ladder_level: string | null;
            /** Halted */
            readonly halted: boolean;
            /** Halt Reason */
            readonly halt_reason: string | null;
        };
        /**
         * SymbolRow
         * @description One symbol. `gap` says that its book lost events and is not whole again.
         */
        readonly SymbolRow: {
            /** Symbol */
            readonly symbol: string;
            /**
             * Session
             * @enum {string}
             */
            readonly session: "open" | "closed";
            /** Last Price */
            readonly last_price: number | null;
            /** Age Ms */
            readonly age_ms: number | null;
            /** Spread Bps */
            readonly spread_bps: number | null;
            /** Gap */
            readonly gap: boolean;
        };
        /**
         * MarketStatus
         * @description `clock_skew_ms` is the desk's clock against the venue's, null while none is measured.
         */
        readonly MarketStatus: {
            readonly desk: components["schemas"]["DeskRow"] | null;
            /** Symbols */
            readonly symbols: readonly components["schemas"]["SymbolRow"][];
            /** Clock Skew Ms */
            readonly clock_skew_ms: number | null;
            /** Known At */
            readonly known_at: string;
        };
        /**
         * Baseline
         * @description Returns over the same window: of holding, costs paid, and of the rules alone, null where nobody ran them.
         */
        readonly Baseline: {
            /** Buy Hold */
            readonly buy_hold: number | null;
            /** No Llm */
            readonly no_llm: number | null;
        };
        /**
         * Group
         * @description What the trades of one group came to, in quote.
         */
        readonly Group: {
            /** Name */
            readonly name: string;
            /** N */
            readonly n: number;
            /** Gross */
            readonly gross: number;
            /** Costs */
            readonly costs: number;
            /** Net */
            readonly net: number;
            /** Hit Rate */
            readonly hit_rate: number | null;
            /** Expectancy */
            readonly expectancy: number | null;
        };
        /**
         * Interval
         * @description The 95 % interval of the expectancy; both null with fewer than two trades.
         */
        readonly Interval: {
            /** Low */
            readonly low: number | null;
            /** High */
            readonly high: number | null;
        };
        /**
         * Performance
         * @description Closed trades of the window, in quote; null is not known, never zero. `expectancy` is the mean net of a trade.
         *
         *     `return_frac` and `max_drawdown_frac` are of the equity, transfers left out; `sharpe` is a year's.
         */
        readonly Performance: {
            /** N */
            readonly n: number;
            /** Gross */
            readonly gross: number | null;
            /** Costs */
            readonly costs: number | null;
            /** Net */
            readonly net: number | null;
            /** Return Frac */
            readonly return_frac: number | null;
            /** Sharpe */
            readonly sharpe: number | null;
            /** Max Drawdown Frac */
            readonly max_drawdown_frac: number | null;
            /** Hit Rate */
            readonly hit_rate: number | null;
            /** Expectancy */
            readonly expectancy: number | null;
            readonly ci: components["schemas"]["Interval"];
            /** Groups */
            readonly groups: readonly components["schemas"]["Group"][];
            readonly baseline: components["schemas"]["Baseline"];
            /** Known At */
            readonly known_at: string;
            /** Stale Ms */
            readonly stale_ms: number | null;
        };
        /**
         * ReportRead
         * @description A report: `report` is of the schema `chanflow.report/1`, money in it decimal text in quote.
         */
        readonly ReportRead: {
            /** Run Id */
            readonly run_id: string;
            /** Date */
            readonly date: string | null;
            /** Report */
            readonly report: {
                readonly [key: string]: unknown;
            };
            /** Known At */
            readonly known_at: string | null;
            /** Notice */
            readonly notice: string;
        };
        /**
         * BookNow
         * @description The state of the book.
         */
        readonly BookNow: {
            /** State */
            readonly state: string;
            /** Event Ms */
            readonly event_ms: number;
            /** Known Ns */
            readonly known_ns: number;
            /** Age Ms */
            readonly age_ms: number;
        };
        /**
         * MarkNow
         * @description The mark price.
         */
        readonly MarkNow: {
            /** Price */
            readonly price: number;
            /** Event Ms */
            readonly event_ms: number;
            /** Known Ns */
            readonly known_ns: number;
            /** Age Ms */
            readonly age_ms: number;
        };
        /**
         * QuoteNow
         * @description The best quotes.
         */
        readonly QuoteNow: {
            /** Bid */
            readonly bid: number;
            /** Ask */
            readonly ask: number;
            /** Bid Qty */
            readonly bid_qty: number | null;
            /** Ask Qty */
            readonly ask_qty: number | null;
            /** Event Ms */
            readonly event_ms: number;
            /** Known Ns */
            readonly known_ns: number;
            /** Age Ms */
            readonly age_ms: number;
        };
        /**
         * SnapshotRow
         * @description One symbol. `age_ms` counts from when a value was known; without data `dq_codes` says no_data.
         */
        readonly SnapshotRow: {
            /** Symbol */
            readonly symbol: string;
            readonly quote: components["schemas"]["QuoteNow"] | null;
            readonly trade: components["schemas"]["TradeNow"] | null;
            readonly mark: components["schemas"]["MarkNow"] | null;
            readonly book: components["schemas"]["BookNow"] | null;
            /** Known Ns */
            readonly known_ns: number | null;
            /** Age Ms */
            readonly age_ms: number | null;
            /** Dq Ok */
            readonly dq_ok: boolean;
            /** Dq Codes */
            readonly dq_codes: readonly string[];
        };
        /**
         * TradeNow
         * @description The last trade; `side` is the taker's.
         */
        readonly TradeNow: {
            /** Price */
            readonly price: number;
            /** Qty */
            readonly qty: number | null;
            /** Side */
            readonly side: string | null;
            /** Event Ms */
            readonly event_ms: number;
            /** Known Ns */
            readonly known_ns: number;
            /** Age Ms */
            readonly age_ms: number;
        };
        /**
         * LiveSnapshot
         * @description One row a symbol, in the order asked.
         */
        readonly LiveSnapshot: {
            /** Rows */
            readonly rows: readonly components["schemas"]["SnapshotRow"][];
            /** Known At */
            readonly known_at: string;
        };
        /**
         * GapRow
         * @description Something that was lost, times in Unix ms.
         */
        readonly GapRow: {
            /** Symbol */
            readonly symbol: string;
            /** From Ms */
            readonly from_ms: number;
            /** To Ms */
            readonly to_ms: number;
            /** From U */
            readonly from_u: number | null;
            /** To U */
            readonly to_u: number | null;
        };
        /**
         * HistoricalSlice
         * @description A page by (ts_ms, known_ns, seq_last), and the gaps that it covers.
         */
        readonly HistoricalSlice: {
            /** Columns */
            readonly columns: readonly string[];
            /** Rows */
            readonly rows: readonly (readonly unknown[])[];
            /** Gaps */
            readonly gaps: readonly components["schemas"]["GapRow"][];
            /** Next Cursor */
            readonly next_cursor: string | null;
            /** Known At */
            readonly known_at: string;
        };
        /**
         * SignalRow
         * @description One decision. Times are Unix ms; it is stale `expiry_ms` after `known_ms`. Prices are exact text in quote.
         *
         *     `confirm` is true exactly where `decision_code` is OK; else `reasons` say why, and `side_hint` is flat.
         */
        readonly SignalRow: {
            /** Schema Version */
            readonly schema_version: number;
            /** Ts Ms */
            readonly ts_ms: number;
            /** Known Ms */
            readonly known_ms: number;
            /** Symbol */
            readonly symbol: string;
            /** Signal Id */
            readonly signal_id: string;
            /**
             * Signal Type
             * @enum {string}
             */
            readonly signal_type: "strong_buy" | "buy" | "neutral" | "sell" | "strong_sell";
            /**
             * Side Hint
             * @enum {string}
             */
            readonly side_hint: "buy" | "sell" | "flat";
            /** Score */
            readonly score: number | null;
            /** Confirm */
            readonly confirm: boolean;
            /** Gating Blocked */
            readonly gating_blocked: boolean;
            /**
             * Decision Code
             * @enum {string}
             */
            readonly decision_code: "OK" | "BAD_INPUT" | "EXPIRE" | "DUPLICATE" | "WARMUP" | "FAIL_GATING" | "BAD_REGIME" | "AGAINST_FLOW" | "LOW_CONSISTENCY" | "LOW_SCORE" | "COOLDOWN" | "INVALIDATED" | "REPLACED";
            /** Reasons */
            readonly reasons: readonly string[];
            /** Z Ofi */
            readonly z_ofi: number | null;
            /** Z Cvd */
            readonly z_cvd: number | null;
            /** Consistency */
            readonly consistency: number | null;
            /** Div Type */
            readonly div_type: string | null;
            /** Regime */
            readonly regime: ("trend" | "revert" | "quiet") | null;
            /** Strategy Mode */
            readonly strategy_mode: ("active" | "quiet") | null;
            /** Expiry Ms */
            readonly expiry_ms: number;
            /** Config Hash */
            readonly config_hash: string;
            /** Run Id */
            readonly run_id: string;
            /** Level */
            readonly level: string | null;
            /** Setup */
            readonly setup: string | null;
            /** Refs */
            readonly refs: readonly string[];
            /** Price */
            readonly price: string | null;
            /** Invalidation Price */
            readonly invalidation_price: string | null;
            /** Trend Agrees */
            readonly trend_agrees: boolean;
            /** Flow Strong */
            readonly flow_strong: boolean;
        };
        /**
         * SignalsFound
         * @description Decisions, newest first, and the cursor to older ones.
         */
        readonly SignalsFound: {
            /** Signals */
            readonly signals: readonly components["schemas"]["SignalRow"][];
            /** Next Cursor */
            readonly next_cursor: string | null;
            /** Known At */
            readonly known_at: string;
            /** Stale Ms */
            readonly stale_ms: number | null;
        };
        /**
         * FeatureBin
         * @description A bin that closed. `ts_ms` is its end, exclusive, Unix ms; `fp` hashes settings, code and all rows up to it.
         */
        readonly FeatureBin: {
            /** Ts Ms */
            readonly ts_ms: number;
            /** Z Ofi */
            readonly z_ofi: number | null;
            /** Z Cvd */
            readonly z_cvd: number | null;
            readonly fusion: components["schemas"]["Fusion"];
            readonly divergence: components["schemas"]["FlowDivergence"] | null;
            /** Book Ok */
            readonly book_ok: boolean | null;
            /** Fp */
            readonly fp: string;
        };
        /**
         * FlowDivergence
         * @description A divergence of price and flow; only `detected_ts` may be acted on. Times are Unix ms.
         */
        readonly FlowDivergence: {
            /** Type */
            readonly type: string;
            /** Channel */
            readonly channel: string;
            /** Score */
            readonly score: number;
            /** Grade */
            readonly grade: string;
            /** Pivot Ts */
            readonly pivot_ts: number;
            /** Detected Ts */
            readonly detected_ts: number;
        };
        /**
         * Fusion
         * @description Score of a bin; null, with the reasons, where it is not eligible.
         */
        readonly Fusion: {
            /**
             * Side
             * @enum {string}
             */
            readonly side: "strong_buy" | "buy" | "neutral" | "sell" | "strong_sell";
            /** Score */
            readonly score: number | null;
            /** Consistency */
            readonly consistency: number | null;
            /** Reasons */
            readonly reasons: readonly string[];
        };
        /**
         * FeaturesComputed
         * @description Bins that the rows closed, and what the next batch needs. Contemporaneous: features do not predict.
         */
        readonly FeaturesComputed: {
            /** Bins */
            readonly bins: readonly components["schemas"]["FeatureBin"][];
            /** State */
            readonly state: string;
        };
        /**
         * FillRow
         * @description One fill. Price and fee in quote, quantity in base units; a negative fee was received.
         */
        readonly FillRow: {
            /** Trade Id */
            readonly trade_id: string;
            /** Price */
            readonly price: string;
            /** Qty */
            readonly qty: string;
            /** Fee */
            readonly fee: string;
            /** Maker */
            readonly maker: boolean;
            /** At */
            readonly at: string;
        };
        /**
         * OrderFound
         * @description An order. Quantities in base units, prices in quote.
         *
         *     `client_order_id` is the id that whoever ordered it by hand gave it, null where the desk or the venue made it;
         *     `leg` tells an entry, the stop and take-profit that protect it, and an exit. `detail` is the venue's last word.
         */
        readonly OrderFound: {
            /** Client Order Id */
            readonly client_order_id: string | null;
            /** Venue Order Id */
            readonly venue_order_id: string;
            /** Symbol */
            readonly symbol: string;
            /**
             * Side
             * @enum {string}
             */
            readonly side: "buy" | "sell";
            /**
             * Leg
             * @enum {string}
             */
            readonly leg: "entry" | "stop" | "take_profit" | "exit";
            /** State */
            readonly state: string;
            /** Qty */
            readonly qty: string;
            /** Filled */
            readonly filled: string;
            /** Leaves */
            readonly leaves: string;
            /** Avg Price */
            readonly avg_price: string | null;
            /** Price */
            readonly price: string | null;
            /** Stop Price */
            readonly stop_price: string | null;
            /** Take Profit Price */
            readonly take_profit_price: string | null;
            /** Reduce Only */
            readonly reduce_only: boolean;
            /** Detail */
            readonly detail: string;
            /** Sent At */
            readonly sent_at: string;
            /** Updated At */
            readonly updated_at: string;
            /** Fills */
            readonly fills: readonly components["schemas"]["FillRow"][];
        };
        /**
         * OrdersFound
         * @description Orders, newest first, and the cursor to older ones.
         */
        readonly OrdersFound: {
            /** Orders */
            readonly orders: readonly components["schemas"]["OrderFound"][];
            /** Next Cursor */
            readonly next_cursor: string | null;
            /** Known At */
            readonly known_at: string;
            /** Stale Ms */
            readonly stale_ms: number | null;
        };
        /**
         * LinkRow
         * @description One step of the chain: the number of its record, when it was, its kind, and what it says.
         */
        readonly LinkRow: {
            /** Seq */
            readonly seq: number;
            /** At */
            readonly at: string;
            /** Kind */
            readonly kind: string;
            /** Text */
            readonly text: string;
        };
        /**
         * Explained
         * @description The chain, oldest first. Without a name and where nothing was refused, the id is null and the chain empty.
         */
        readonly Explained: {
            /** Decision Id */
            readonly decision_id: string | null;
            /** Links */
            readonly links: readonly components["schemas"]["LinkRow"][];
        };
        /**
         * AllClosed
         * @description The opening orders that were cancelled and the orders that close positions; none where nothing was open.
         */
        readonly AllClosed: {
            /**
             * Status
             * @enum {string}
             */
            readonly status: "flat" | "closing";
            /** Cancelled */
            readonly cancelled: readonly components["schemas"]["OrderRead"][];
            /** Closing */
            readonly closing: readonly components["schemas"]["OrderRead"][];
        };
        /**
         * CheckRow
         * @description One check: what was found and what is allowed.
         */
        readonly CheckRow: {
            /** Name */
            readonly name: string;
            /** Value */
            readonly value: string;
            /** Bound */
            readonly bound: string;
            /** Ok */
            readonly ok: boolean;
        };
        /**
         * RiskStateRow
         * @description Where the desk stands. Money in quote, shares as fractions, null where a figure is not known.
         */
        readonly RiskStateRow: {
            /** Level */
            readonly level: string;
            /** Equity */
            readonly equity: string;
            /** Hwm */
            readonly hwm: string;
            /** Drawdown */
            readonly drawdown: string | null;
            /** Daily Loss */
            readonly daily_loss: string | null;
            /** Margin Ratio */
            readonly margin_ratio: string | null;
            /** Wall */
            readonly wall: boolean;
            /** Halted */
            readonly halted: boolean;
            /** Vol Target */
            readonly vol_target: string | null;
            /** Sigma */
            readonly sigma: string | null;
            /** Trades Today */
            readonly trades_today: number;
            /** Limits Used */
            readonly limits_used: {
                readonly [key: string]: string;
            };
            /** Checks */
            readonly checks: readonly components["schemas"]["CheckRow"][];
            /** As Of */
            readonly as_of: string;
        };
        /**
         * WhyRow
         * @description A stable code, and the sentence that names value and bound.
         */
        readonly WhyRow: {
            /** Code */
            readonly code: string;
            /** Message */
            readonly message: string;
        };
        /**
         * RiskChecked
         * @description What the gate would say. `reason` is ok or the first failing code, `qty` in base units and 0 when refused.
         */
        readonly RiskChecked: {
            /** Allow */
            readonly allow: boolean;
            /**
             * Side
             * @enum {string}
             */
            readonly side: "buy" | "sell" | "flat";
            /** Qty */
            readonly qty: string;
            /** Lev */
            readonly lev: number;
            /** Mode */
            readonly mode: string;
            /** Reason */
            readonly reason: string;
            /** Reasons */
            readonly reasons: readonly components["schemas"]["WhyRow"][];
            readonly risk_state: components["schemas"]["RiskStateRow"];
        };
        /**
         * WaitingRow
         * @description A proposal that waits for a person, until when, and what it asks for. Prices in quote; null takes the market.
         */
        readonly WaitingRow: {
            /** Proposal Id */
            readonly proposal_id: string;
            /** Symbol */
            readonly symbol: string;
            /**
             * Side
             * @enum {string}
             */
            readonly side: "buy" | "sell";
            /** Entry Price */
            readonly entry_price: string | null;
            /** Stop Price */
            readonly stop_price: string | null;
            /** Take Profit Price */
            readonly take_profit_price: string | null;
            /** Leverage */
            readonly leverage: number;
            /** Confidence */
            readonly confidence: number | null;
            /** Why */
            readonly why: string;
            /** Until */
            readonly until: string;
        };
        /**
         * RiskState
         * @description The standing, what halts, holds and waits, since when the level stands and what a promotion still lacks.
         */
        readonly RiskState: {
            readonly risk_state: components["schemas"]["RiskStateRow"];
            /** Mode */
            readonly mode: string;
            /** Halt Causes */
            readonly halt_causes: readonly components["schemas"]["WhyRow"][];
            /** Level Since */
            readonly level_since: string;
            /** Review */
            readonly review: string | null;
            /** Promotion Lacks */
            readonly promotion_lacks: readonly string[];
            /** Waiting */
            readonly waiting: readonly components["schemas"]["WaitingRow"][];
        };
        /**
         * Standings
         * @description Whether it was done, and every reason why not; then where the desk stands.
         */
        readonly Standings: {
            /**
             * Status
             * @enum {string}
             */
            readonly status: "done" | "refused";
            /** Reasons */
            readonly reasons: readonly components["schemas"]["WhyRow"][];
            /** Level */
            readonly level: string;
            /** Halted */
            readonly halted: boolean;
        };
        /**
         * Approvals
         * @description Whether it was done, and every reason why not; then what still waits. A listing is always done.
         */
        readonly Approvals: {
            /**
             * Status
             * @enum {string}
             */
            readonly status: "done" | "refused";
            /** Reasons */
            readonly reasons: readonly components["schemas"]["WhyRow"][];
            /** Waiting */
            readonly waiting: readonly components["schemas"]["WaitingRow"][];
        };
        /**
         * DecisionAsked
         * @description The decision that was begun, or waits for the one before it; `explain` and the journal tell what it comes to.
         */
        readonly DecisionAsked: {
            /** Decision Id */
            readonly decision_id: string;
            /**
             * Status
             * @constant
             */
            readonly status: "asked";
        };
        /**
         * QuotaRow
         * @description A quota. A limit of -1 is none, and so is what remains; `used` is null on a desk that counts nothing.
         */
        readonly QuotaRow: {
            /** Name */
            readonly name: string;
            /** Used */
            readonly used: number | null;
            /** Limit */
            readonly limit: number;
            /** Remaining */
            readonly remaining: number | null;
            /**
             * Period
             * @enum {string}
             */
            readonly period: "day" | "month" | "permanent";
            /** Resets At */
            readonly resets_at: string | null;
        };
        /**
         * RateRow
         * @description Requests a second, and how many at once; of each kind of work.
         */
        readonly RateRow: {
            /** Limit */
            readonly limit: number;
            /** Burst */
            readonly burst: number;
        };
        /**
         * QuotaStatus
         * @description The plan with its quotas. `period_end` is the end of the UTC month.
         */
        readonly QuotaStatus: {
            /** Plan */
            readonly plan: string;
            /** Period End */
            readonly period_end: string;
            /** Quotas */
            readonly quotas: readonly components["schemas"]["QuotaRow"][];
            readonly rate: components["schemas"]["RateRow"];
        };
        /**
         * KeyRow
         * @description A key as it may be shown. A time in `revoked_at` that lies ahead is the end of its grace.
         *
         *     `last_used_at` is written at most once a minute.
         */
        readonly KeyRow: {
            /** Id */
            readonly id: string;
            /** Name */
            readonly name: string;
            /** Scopes */
            readonly scopes: readonly string[];
            /** Allow Ips */
            readonly allow_ips: readonly string[];
            /** Created At */
            readonly created_at: string;
            /** Expires At */
            readonly expires_at: string | null;
            /** Revoked At */
            readonly revoked_at: string | null;
            /** Last Used At */
            readonly last_used_at: string | null;
            /**
             * Signing
             * @enum {string}
             */
            readonly signing: "none" | "required";
            /** Paper Only */
            readonly paper_only: boolean;
            /** Elicitation Trusted */
            readonly elicitation_trusted: boolean;
        };
        /**
         * KeysListed
         * @description The caller's keys, oldest first.
         */
        readonly KeysListed: {
            /** Keys */
            readonly keys: readonly components["schemas"]["KeyRow"][];
        };
        /**
         * KeyMade
         * @description A new key, with its text: nobody can read it again.
         */
        readonly KeyMade: {
            /** Key */
            readonly key: string;
            readonly made: components["schemas"]["KeyRow"];
        };
        /**
         * KeyUpdated
         * @description The key as it is now.
         */
        readonly KeyUpdated: {
            readonly changed: components["schemas"]["KeyRow"];
        };
        /**
         * KeyRevoked
         * @description A key that is no longer taken, here at once and elsewhere within a second.
         */
        readonly KeyRevoked: {
            /** Id */
            readonly id: string;
        };
        /**
         * AuditedCall
         * @description A row: a call that began, or how it ended. Of its arguments only the hash is kept.
         */
        readonly AuditedCall: {
            /** Seq */
            readonly seq: number;
            /** At */
            readonly at: string;
            /** Request Id */
            readonly request_id: string;
            /** Principal */
            readonly principal: string;
            /** Ip */
            readonly ip: string | null;
            /** Door */
            readonly door: string;
            /** Operation */
            readonly operation: string;
            /** Args Sha256 */
            readonly args_sha256: string;
            /**
             * Outcome
             * @enum {string}
             */
            readonly outcome: "started" | "done" | "failed" | "refused";
            /** Code */
            readonly code: string | null;
            /** Latency Ms */
            readonly latency_ms: number | null;
            /** Prev Hash */
            readonly prev_hash: string;
            /** Hash */
            readonly hash: string;
        };
        /**
         * AuditRead
         * @description Rows of the audit, newest first.
         */
        readonly AuditRead: {
            /** Rows */
            readonly rows: readonly components["schemas"]["AuditedCall"][];
            /** Next Cursor */
            readonly next_cursor: string | null;
        };
        /**
         * PlanRow
         * @description A plan: what it allows (-1 is unlimited), and what it is a month where it is sold.
         */
        readonly PlanRow: {
            /** Name */
            readonly name: string;
            /** Limits */
            readonly limits: {
                readonly [key: string]: number;
            };
            /** Rate Per S */
            readonly rate_per_s: number;
            /** Burst */
            readonly burst: number;
            /** Amount */
            readonly amount: string | null;
            /** Currency */
            readonly currency: string | null;
        };
        /**
         * PlansListed
         * @description The plans, the smallest first. `billing` is false where nothing is sold.
         */
        readonly PlansListed: {
            /** Billing */
            readonly billing: boolean;
            /** Plans */
            readonly plans: readonly components["schemas"]["PlanRow"][];
        };
        /**
         * PageOpened
         * @description The provider's page, to be opened in a browser.
         */
        readonly PageOpened: {
            /** Url */
            readonly url: string;
        };
        /**
         * SubscriptionRead
         * @description The caller's plan. Without a subscription the rest is null; `next_plan` follows at `period_end`.
         */
        readonly SubscriptionRead: {
            /** Plan */
            readonly plan: string;
            /** Status */
            readonly status: string | null;
            /** Period Start */
            readonly period_start: string | null;
            /** Period End */
            readonly period_end: string | null;
            /** Ends With Period */
            readonly ends_with_period: boolean;
            /** Next Plan */
            readonly next_plan: string | null;
        };
        /**
         * MonthRead
         * @description A UTC month: who came to pay in it, and who ceased to.
         */
        readonly MonthRead: {
            /** Month */
            readonly month: string;
            /** Started */
            readonly started: number;
            /** Ended */
            readonly ended: number;
        };
        /**
         * BillingRead
         * @description Accounts, those not disabled, those that pay, their share, and what recurs a month, by currency.
         */
        readonly BillingRead: {
            /** Accounts */
            readonly accounts: number;
            /** Active */
            readonly active: number;
            /** Paying */
            readonly paying: number;
            /** Conversion */
            readonly conversion: number | null;
            /** Recurring */
            readonly recurring: {
                readonly [key: string]: string;
            };
            /** Months */
            readonly months: readonly components["schemas"]["MonthRead"][];
        };
        /**
         * UserShown
         * @description A user. An address that is yet to be confirmed is not shown; `deletion_at` is when the account ends.
         */
        readonly UserShown: {
            /** Id */
            readonly id: string;
            /** Name */
            readonly name: string;
            /** Email */
            readonly email: string | null;
            /** Roles */
            readonly roles: readonly string[];
            /** Scopes */
            readonly scopes: readonly string[];
            /** Plan */
            readonly plan: string;
            /** Created At */
            readonly created_at: string;
            /** Second Factor */
            readonly second_factor: boolean;
            /** Notice Due */
            readonly notice_due: boolean;
            /** Deletion At */
            readonly deletion_at: string | null;
        };
        /**
         * NoticeShown
         * @description The notice in force.
         */
        readonly NoticeShown: {
            /** Version */
            readonly version: string;
            /** Text En */
            readonly text_en: string;
            /** Text Zh */
            readonly text_zh: string;
        };
        /**
         * NoticeAccepted
         * @description That it was accepted, and when first.
         */
        readonly NoticeAccepted: {
            /** Version */
            readonly version: string;
            /** Accepted At */
            readonly accepted_at: string;
        };
        /**
         * SessionRow
         * @description A session; `ends_at` is when it ends unless it is used before.
         */
        readonly SessionRow: {
            /** Id */
            readonly id: string;
            /** Created At */
            readonly created_at: string;
            /** Seen At */
            readonly seen_at: string;
            /** Ends At */
            readonly ends_at: string;
            /** Ip */
            readonly ip: string | null;
            /** Client */
            readonly client: string | null;
            /** Second Factor */
            readonly second_factor: boolean;
            /** Current */
            readonly current: boolean;
        };
        /**
         * SessionsListed
         * @description The caller's sessions, oldest first.
         */
        readonly SessionsListed: {
            /** Sessions */
            readonly sessions: readonly components["schemas"]["SessionRow"][];
        };
        /**
         * SessionsEnded
         * @description How many ended.
         */
        readonly SessionsEnded: {
            /** Ended */
            readonly ended: number;
        };
        /**
         * TotpOffered
         * @description A secret for an authenticator, shown this once. A code of it, sent to /auth/totp/confirm, puts it in use.
         */
        readonly TotpOffered: {
            /** Secret */
            readonly secret: string;
            /** Uri */
            readonly uri: string;
        };
        /**
         * TotpConfirmed
         * @description That codes are asked for from now on. Each recovery code does once in place of one; they are shown this once.
         */
        readonly TotpConfirmed: {
            /** Recovery Codes */
            readonly recovery_codes: readonly string[];
        };
        /**
         * TotpEnded
         * @description That no codes are asked for any more.
         */
        readonly TotpEnded: {
            /** Second Factor */
            readonly second_factor: boolean;
        };
        /**
         * DataExported
         * @description A ZIP of JSON lines per table, for the caller alone, at `path` until `expires_at`.
         */
        readonly DataExported: {
            /** Path */
            readonly path: string;
            /** Expires At */
            readonly expires_at: string;
            /** Sha256 */
            readonly sha256: string;
            /** Size */
            readonly size: number;
            /** Rows */
            readonly rows: {
                readonly [key: string]: number;
            };
        };
        /**
         * DeletionAsked
         * @description When the account ends; until then it can be withdrawn.
         */
        readonly DeletionAsked: {
            /** Deletion At */
            readonly deletion_at: string;
        };
        /**
         * DeletionWithdrawn
         * @description That the account stays.
         */
        readonly DeletionWithdrawn: {
            /** Deletion At */
            readonly deletion_at: null;
        };
        /**
         * UserRow
         * @description A user.
         */
        readonly UserRow: {
            /** Id */
            readonly id: string;
            /** Name */
            readonly name: string;
            /** Email */
            readonly email: string | null;
            /** Roles */
            readonly roles: readonly string[];
            /** Plan */
            readonly plan: string;
            /** Created At */
            readonly created_at: string;
            /** Disabled At */
            readonly disabled_at: string | null;
            /** Second Factor */
            readonly second_factor: boolean;
            /** Notice Due */
            readonly notice_due: boolean;
            /** Deletion At */
            readonly deletion_at: string | null;
        };
        /**
         * UsersListed
         * @description A page of users.
         */
        readonly UsersListed: {
            /** Users */
            readonly users: readonly components["schemas"]["UserRow"][];
            /** Next Cursor */
            readonly next_cursor: string | null;
        };
        /**
         * UserAdded
         * @description A new user. `password_link` is null where it was mailed; else it is shown this once, for seven days.
         */
        readonly UserAdded: {
            /** Id */
            readonly id: string;
            /** Name */
            readonly name: string;
            /** Password Link */
            readonly password_link: string | null;
        };
        /**
         * RolesSet
         * @description The roles a user has from now on.
         */
        readonly RolesSet: {
            /** Id */
            readonly id: string;
            /** Roles */
            readonly roles: readonly string[];
        };
        /**
         * Invited
         * @description An invitation, shown this once.
         */
        readonly Invited: {
            /** Invitation */
            readonly invitation: string;
            /** Expires At */
            readonly expires_at: string;
        };
        /**
         * SocketTicket
         * @description A ticket: it opens one socket, once, until it expires.
         */
        readonly SocketTicket: {
            /** Ticket */
            readonly ticket: string;
            /** Expires At */
            readonly expires_at: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    readonly listTools: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": readonly components["schemas"]["MCPTool"][];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly callTool: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["MCPCallRequest"];
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["MCPCallResult"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getStatus: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": Record<string, never>;
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly chat: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly text: string;
                    readonly confirm?: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "text/event-stream": string;
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly refreshTokens: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly refresh_token: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        readonly access_token: string;
                        readonly token_type: string;
                        readonly refresh_token: string;
                        readonly refresh_expires_at: string;
                        readonly expires_in: number;
                    };
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly logIn: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    /** Login */
                    readonly login: string;
                    /** Password */
                    readonly password: string;
                    /**
                     * Code
                     * @default null
                     */
                    readonly code?: string | null;
                    /**
                     * Tokens
                     * @default false
                     */
                    readonly tokens?: boolean;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        /** User Id */
                        readonly user_id: string;
                        /** Name */
                        readonly name: string;
                        /** Csrf Token */
                        readonly csrf_token: string;
                        /** Ends At */
                        readonly ends_at: string;
                        /** Second Factor */
                        readonly second_factor: boolean;
                        /** Notice Due */
                        readonly notice_due: boolean;
                        readonly tokens: {
                            /** Access Token */
                            readonly access_token: string;
                            /** Token Type */
                            readonly token_type: string;
                            /** Expires In */
                            readonly expires_in: number;
                            /** Refresh Token */
                            readonly refresh_token: string;
                            /** Refresh Expires At */
                            readonly refresh_expires_at: string;
                        } | null;
                    };
                };
            };
        };
    };
    readonly logOut: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        /** Ended */
                        readonly ended: number;
                    };
                };
            };
        };
    };
    readonly register: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    /** Email */
                    readonly email: string;
                    /**
                     * Invitation
                     * @default null
                     */
                    readonly invitation?: string | null;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        /** Message */
                        readonly message: string;
                    };
                };
            };
        };
    };
    readonly verify: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    /** Token */
                    readonly token: string;
                    /**
                     * Name
                     * @default null
                     */
                    readonly name?: string | null;
                    /**
                     * Password
                     * @default null
                     */
                    readonly password?: string | null;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        /** User Id */
                        readonly user_id: string;
                    };
                };
            };
        };
    };
    readonly forgot: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    /** Email */
                    readonly email: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        /** Message */
                        readonly message: string;
                    };
                };
            };
        };
    };
    readonly reset: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    /** Token */
                    readonly token: string;
                    /** Password */
                    readonly password: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        /** User Id */
                        readonly user_id: string;
                    };
                };
            };
        };
    };
    readonly getExport: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly export_id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/zip": string;
                };
            };
        };
    };
    readonly getKlines: {
        readonly parameters: {
            readonly query: {
                readonly symbol: string;
                readonly level?: "1s" | "5s" | "15s" | "1m" | "5m" | "30m" | "1h" | "1d" | "1w" | "1M";
                readonly start?: string;
                readonly end?: string;
                readonly limit?: number;
                readonly cursor?: string;
                readonly fill?: boolean;
                readonly adjust?: "none" | "forward" | "backward";
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Klines"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly analyzeStructure: {
        readonly parameters: {
            readonly query: {
                readonly symbol: string;
                readonly level?: "1s" | "5s" | "15s" | "1m" | "5m" | "30m" | "1h" | "1d" | "1w" | "1M";
                readonly as_of?: string;
                readonly parts?: readonly ("fractals" | "strokes" | "segments" | "centers" | "divergences" | "points")[];
                readonly limit?: number;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["StructureRead"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly queryBuySellPoints: {
        readonly parameters: {
            readonly query?: {
                readonly symbol?: string;
                readonly level?: "1s" | "5s" | "15s" | "1m" | "5m" | "30m" | "1h" | "1d" | "1w" | "1M";
                readonly type?: readonly ("buy1" | "buy2" | "buy3" | "sell1" | "sell2" | "sell3")[];
                readonly state?: "confirmed" | "provisional" | "any";
                readonly since?: string;
                readonly as_of?: string;
                readonly limit?: number;
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["PointsFound"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly listAlerts: {
        readonly parameters: {
            readonly query?: {
                readonly alert_id?: string;
                readonly status?: "active" | "paused" | "deleted" | "expired" | "any";
                readonly limit?: number;
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AlertsListed"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly subscribeAlert: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly client_alert_id?: string;
                    readonly symbols?: readonly string[];
                    /**
                     * @default buy_sell_points
                     * @enum {unknown}
                     */
                    readonly kind?: "buy_sell_points" | "price" | "structure" | "signal" | "risk";
                    /**
                     * @default 30m
                     * @enum {unknown}
                     */
                    readonly level?: "1s" | "5s" | "15s" | "1m" | "5m" | "30m" | "1h" | "1d" | "1w" | "1M";
                    readonly type?: readonly ("buy1" | "buy2" | "buy3" | "sell1" | "sell2" | "sell3")[];
                    readonly above?: number;
                    readonly below?: number;
                    readonly webhook?: string;
                    readonly notify?: boolean;
                    /** Format: date-time */
                    readonly expires_at?: string;
                    readonly alert_id?: string;
                    /** @constant */
                    readonly action?: "delete";
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AlertSet"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getAlert: {
        readonly parameters: {
            readonly query?: {
                readonly status?: "active" | "paused" | "deleted" | "expired" | "any";
                readonly limit?: number;
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path: {
                readonly alert_id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AlertsListed"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly deleteAlert: {
        readonly parameters: {
            readonly query?: {
                readonly client_alert_id?: string;
                readonly symbols?: readonly string[];
                readonly kind?: "buy_sell_points" | "price" | "structure" | "signal" | "risk";
                readonly level?: "1s" | "5s" | "15s" | "1m" | "5m" | "30m" | "1h" | "1d" | "1w" | "1M";
                readonly type?: readonly ("buy1" | "buy2" | "buy3" | "sell1" | "sell2" | "sell3")[];
                readonly above?: number;
                readonly below?: number;
                readonly webhook?: string;
                readonly notify?: boolean;
                readonly expires_at?: string;
            };
            readonly header?: never;
            readonly path: {
                readonly alert_id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AlertSet"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly patchAlert: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly alert_id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    /** @enum {unknown} */
                    readonly webhook: "on" | "off";
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AlertUpdated"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getAlertEvents: {
        readonly parameters: {
            readonly query: {
                readonly alert_id: string;
                readonly after?: string;
                readonly limit?: number;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AlertEvents"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getEventsOfAlert: {
        readonly parameters: {
            readonly query?: {
                readonly after?: string;
                readonly limit?: number;
            };
            readonly header?: never;
            readonly path: {
                readonly alert_id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AlertEvents"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getAlertDeliveries: {
        readonly parameters: {
            readonly query: {
                readonly alert_id: string;
                readonly limit?: number;
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AlertDeliveries"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getDeliveriesOfAlert: {
        readonly parameters: {
            readonly query?: {
                readonly limit?: number;
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path: {
                readonly alert_id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AlertDeliveries"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly updateAlert: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly alert_id: string;
                    /** @enum {unknown} */
                    readonly webhook: "on" | "off";
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AlertUpdated"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly renewAlertSecret: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly alert_id: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AlertSecret"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly renewSecretOfAlert: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly alert_id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": Record<string, never>;
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AlertSecret"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly backtestStrategy: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly symbols?: readonly string[];
                    /**
                     * @default 30m
                     * @enum {unknown}
                     */
                    readonly level?: "1s" | "5s" | "15s" | "1m" | "5m" | "30m" | "1h" | "1d" | "1w" | "1M";
                    /**
                     * @default chan_confluence
                     * @constant
                     */
                    readonly strategy?: "chan_confluence";
                    readonly params?: Record<string, never>;
                    /** Format: date-time */
                    readonly start?: string;
                    /** Format: date-time */
                    readonly end?: string;
                    /** @default 5 */
                    readonly taker_bps?: number;
                    /** @default 10 */
                    readonly wait_s?: number;
                    readonly job_id?: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Backtested"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly listJobs: {
        readonly parameters: {
            readonly query?: {
                readonly status?: "queued" | "running" | "succeeded" | "failed" | "cancelled";
                readonly limit?: number;
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["JobsListed"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getJob: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly job_id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["JobRow"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly cancelJob: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly job_id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["JobRow"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getJobResult: {
        readonly parameters: {
            readonly query?: {
                readonly part?: "trades" | "by_symbol" | "equity";
                readonly limit?: number;
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path: {
                readonly job_id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["JobRows"];
                    readonly "application/vnd.apache.parquet": string;
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getOrders: {
        readonly parameters: {
            readonly query?: {
                readonly symbol?: string;
                readonly state?: "open" | "initialized" | "denied" | "submitted" | "accepted" | "partially_filled" | "pending_cancel" | "pending_amend" | "triggered" | "unknown" | "filled" | "canceled" | "expired" | "rejected";
                readonly since?: string;
                readonly limit?: number;
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OrdersFound"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly executeTrade: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly client_order_id: string;
                    readonly symbol: string;
                    /** @enum {unknown} */
                    readonly side: "buy" | "sell";
                    readonly size_quote: string;
                    /**
                     * @default limit
                     * @enum {unknown}
                     */
                    readonly order_type?: "limit" | "market";
                    readonly price?: string;
                    /** @default 1 */
                    readonly leverage?: number;
                    readonly stop_price?: string;
                    readonly take_profit_price?: string;
                    readonly reduce_only?: boolean;
                    /**
                     * @default paper
                     * @enum {unknown}
                     */
                    readonly mode?: "paper" | "live";
                    readonly confirmation_token?: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["TradeDone"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly cancelOrder: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly client_order_id: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OrderCancelled"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getPosition: {
        readonly parameters: {
            readonly query?: {
                readonly symbol?: string;
                readonly mode?: "paper" | "live";
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Positions"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getMarketStatus: {
        readonly parameters: {
            readonly query?: {
                readonly symbols?: readonly string[];
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["MarketStatus"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getPerformance: {
        readonly parameters: {
            readonly query?: {
                readonly window?: "7d" | "30d" | "90d" | "all";
                readonly mode?: "paper" | "live";
                readonly group_by?: "none" | "symbol" | "point_type" | "strategy";
                readonly job_id?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Performance"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getReport: {
        readonly parameters: {
            readonly query?: {
                readonly run_id?: string;
                readonly date?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ReportRead"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getLiveSnapshot: {
        readonly parameters: {
            readonly query: {
                readonly symbols: readonly string[];
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["LiveSnapshot"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getHistoricalSlice: {
        readonly parameters: {
            readonly query: {
                readonly symbols: readonly string[];
                readonly start_ts: number;
                readonly end_ts: number;
                readonly kinds?: readonly ("trade" | "agg_trade" | "book_ticker" | "book" | "mark" | "liquidation" | "kline" | "gap")[];
                readonly interval?: string;
                readonly columns?: readonly string[];
                readonly limit?: number;
                readonly cursor?: string;
                readonly fill?: boolean;
                readonly adjust?: "none" | "forward" | "backward";
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["HistoricalSlice"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getSignals: {
        readonly parameters: {
            readonly query?: {
                readonly source?: "desk" | "sink";
                readonly run_id?: string;
                readonly symbol?: string;
                readonly since?: string;
                readonly decision_code?: "OK" | "BAD_INPUT" | "EXPIRE" | "DUPLICATE" | "WARMUP" | "FAIL_GATING" | "BAD_REGIME" | "AGAINST_FLOW" | "LOW_CONSISTENCY" | "LOW_SCORE" | "COOLDOWN" | "INVALIDATED" | "REPLACED";
                readonly confirm?: boolean;
                readonly limit?: number;
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["SignalsFound"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly computeFeatures: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly rows: readonly Record<string, never>[];
                    readonly price_decimals: number;
                    readonly qty_decimals: number;
                    /** @default 1000 */
                    readonly bin_ms?: number;
                    /**
                     * @default robust
                     * @enum {unknown}
                     */
                    readonly z?: "robust" | "ew";
                    readonly finish?: boolean;
                    readonly state?: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["FeaturesComputed"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly explainDecision: {
        readonly parameters: {
            readonly query?: {
                readonly name?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Explained"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly closeAll: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly symbol?: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AllClosed"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly checkRisk: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly symbol: string;
                    /** @enum {unknown} */
                    readonly side: "buy" | "sell";
                    readonly stop_price: string;
                    readonly take_profit_price: string;
                    readonly price?: string;
                    readonly size_quote?: string;
                    /** @default 1 */
                    readonly leverage?: number;
                    readonly confidence?: number;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["RiskChecked"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getRiskState: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["RiskState"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly halt: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    /** @default halted by an operator */
                    readonly reason?: string;
                    readonly close?: boolean;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Standings"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly resume: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly note: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Standings"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly setLevel: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    /** @enum {unknown} */
                    readonly level: "L0" | "L1" | "L2" | "L3" | "L4" | "L5";
                    readonly who: string;
                    /** @default  */
                    readonly note?: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Standings"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly approve: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly proposal_id?: string;
                    /** @default the operator */
                    readonly who?: string;
                    readonly deny?: boolean;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Approvals"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly liftWall: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly who: string;
                    readonly note: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Standings"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly requestAnalysis: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly symbol: string;
                    /** @enum {unknown} */
                    readonly level?: "1s" | "5s" | "15s" | "1m" | "5m" | "30m" | "1h" | "1d";
                    readonly position_id?: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["DecisionAsked"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getUserQuota: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["QuotaStatus"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly listKeys: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["KeysListed"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly createKey: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly name: string;
                    readonly scopes?: readonly string[];
                    readonly allow_ips?: readonly string[];
                    /** Format: date-time */
                    readonly expires_at?: string;
                    /**
                     * @default none
                     * @enum {unknown}
                     */
                    readonly signing?: "none" | "required";
                    readonly paper_only?: boolean;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["KeyMade"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly updateKey: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly id: string;
                    readonly name?: string;
                    readonly scopes?: readonly string[];
                    readonly allow_ips?: readonly string[];
                    /** Format: date-time */
                    readonly expires_at?: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["KeyUpdated"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly deleteKey: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["KeyRevoked"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly patchKey: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly name?: string;
                    readonly scopes?: readonly string[];
                    readonly allow_ips?: readonly string[];
                    /** Format: date-time */
                    readonly expires_at?: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["KeyUpdated"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly rotateKey: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly id: string;
                    /** @default 86400 */
                    readonly grace_s?: number;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["KeyMade"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly rotateKeyById: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    /** @default 86400 */
                    readonly grace_s?: number;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["KeyMade"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly revokeKey: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly id: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["KeyRevoked"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getAudit: {
        readonly parameters: {
            readonly query?: {
                readonly limit?: number;
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AuditRead"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly listPlans: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["PlansListed"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly startCheckout: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly plan: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["PageOpened"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly openPortal: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": Record<string, never>;
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["PageOpened"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getSubscription: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["SubscriptionRead"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly changeSubscription: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly plan: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["SubscriptionRead"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getBillingReport: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["BillingRead"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getUser: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["UserShown"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly updateUser: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly name?: string;
                    readonly email?: string;
                    readonly new_password?: string;
                    readonly password?: string;
                    readonly code?: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["UserShown"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly getNotice: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["NoticeShown"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly acceptNotice: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly version: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["NoticeAccepted"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly listSessions: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["SessionsListed"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly endSessions: {
        readonly parameters: {
            readonly query?: {
                readonly session_id?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["SessionsEnded"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly enrollTotp: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly password: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["TotpOffered"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly confirmTotp: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly code: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["TotpConfirmed"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly endTotp: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly password: string;
                    readonly code: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["TotpEnded"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly exportData: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": Record<string, never>;
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["DataExported"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly deleteAccount: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly password?: string;
                    readonly code?: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["DeletionAsked"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly withdrawDeletion: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["DeletionWithdrawn"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly listUsers: {
        readonly parameters: {
            readonly query?: {
                readonly limit?: number;
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["UsersListed"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly addUser: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly name: string;
                    readonly email?: string;
                    readonly roles: readonly string[];
                    /** @default free */
                    readonly plan?: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["UserAdded"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly setRoles: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly user_id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly roles: readonly string[];
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["RolesSet"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly inviteUser: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": Record<string, never>;
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Invited"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    readonly createSocketTicket: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": Record<string, never>;
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["SocketTicket"];
                };
            };
            /** @description Failed */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
}
