import { useMutation } from '@tanstack/react-query';
import { Alert, Button, Popconfirm, Segmented } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';
import { may, useWho } from '../../app/session';
import { said } from '../../i18n';
import { formatTime } from '../../lib/format';
import { pretty } from '../../lib/pretty';
import { COMMENT } from './Comments';

type Fact = Schemas['FactShape'];
const KINDS = ['all', 'worrying', 'people', 'comments'] as const;
type Kind = (typeof KINDS)[number];

function shows(kind: Kind, fact: Fact): boolean {
  if (kind === 'worrying') return fact.worrying;
  if (kind === 'comments') return fact.fact === COMMENT;
  return kind === 'all' || fact.source === 'api' || fact.source === 'cli';
}

/** The log of an order, its parcels and tickets, as it stands; each fact opens to all that is recorded of it. */
export function Facts({
  id,
  facts,
  opened,
  refresh,
}: {
  id: string;
  facts: readonly Fact[];
  opened: string;
  refresh: () => void;
}) {
  const { t } = useTranslation();
  const who = useWho();
  const [kind, setKind] = useState<Kind>('all');
  const [payloads, setPayloads] = useState<ReadonlyMap<string, string>>(new Map());
  const revealing = useMutation({
    mutationFn: () =>
      told(api.GET('/api/v1/orders/{id}/timeline', { params: { path: { id }, query: { reveal: true } } })),
    onSuccess: (open) => {
      setPayloads(new Map(open.facts.flatMap((fact) => (fact.raw ? [[fact.position, fact.raw]] : []))));
      refresh();
    },
  });
  const shown = facts.filter((fact) => shows(kind, fact) || fact.position === opened);
  return (
    <section aria-label={t('order.facts', { count: facts.length })}>
      <div className="section-head">
        <h2 className="section-title">{t('order.facts', { count: facts.length })}</h2>
        <Segmented<Kind>
          size="small"
          value={kind}
          onChange={setKind}
          options={KINDS.map((each) => ({ value: each, label: t(`order.show.${each}`) }))}
        />
        <span className="grow" />
        {may(who, 'reveal') &&
          (payloads.size ? (
            <Button size="small" onClick={() => setPayloads(new Map())}>
              {t('order.maskAgain')}
            </Button>
          ) : (
            <Popconfirm title={t('order.revealAsk')} onConfirm={() => revealing.mutate()}>
              <Button size="small" loading={revealing.isPending}>
                {t('order.revealPayloads')}
              </Button>
            </Popconfirm>
          ))}
      </div>
      {revealing.error && <Alert type="error" showIcon title={revealing.error.message} />}
      {shown.length === 0 && <p className="quiet">{t('order.noFacts')}</p>}
      <ol className="facts">
        {shown.map((fact) => (
          <li
            key={fact.position}
            id={`fact-${fact.position}`}
            className={`fact${fact.worrying ? ' worry' : ''}${fact.fact === COMMENT ? ' comment' : ''}`}
          >
            <time dateTime={fact.recorded_at}>{formatTime(fact.recorded_at)}</time>
            <details open={fact.position === opened || undefined}>
              <summary>
                {fact.fact === COMMENT && `${t('order.comment')}: `}
                {said(fact.sentence, fact.sentence_zh)}
                <span className="by">
                  {fact.source}
                  {fact.operator && fact.operator !== 'system' && ` · ${fact.operator}`}
                </span>
              </summary>
              <Recorded fact={fact} payload={payloads.get(fact.position)} />
            </details>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Recorded({ fact, payload }: { fact: Fact; payload: string | undefined }) {
  const { t } = useTranslation();
  const fields: [string, string][] = [
    [t('order.fact'), `${fact.fact} v${fact.fact_version} · ${fact.aggregate}`],
    [t('order.happened'), formatTime(fact.happened_at)],
    [t('order.operator'), fact.operator],
    [t('order.source'), fact.source],
    [t('order.command'), fact.command],
    [t('order.key'), fact.command_key],
    [t('order.cause'), fact.cause],
    [t('order.position'), fact.position],
    [t('order.hash'), fact.hash],
    ...Object.entries(fact.body).map(([name, value]): [string, string] => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  ];
  const raw = payload ?? fact.raw;
  return (
    <>
      <dl className="recorded">
        {fields
          .filter(([, value]) => value)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd className="mono">{value}</dd>
            </div>
          ))}
      </dl>
      {raw && (
        <figure>
          <figcaption>{t(payload ? 'order.rawOpen' : 'order.raw')}</figcaption>
          <pre tabIndex={0}>{pretty(raw)}</pre>
        </figure>
      )}
    </>
  );
}
