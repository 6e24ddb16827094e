import { useMutation } from '@tanstack/react-query';
import { Alert, Button, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';
import { may, useWho } from '../../app/session';
import { formatTime } from '../../lib/format';

const MOST = 500;
export const COMMENT = 'OrderCommented';

/** What the staff has said of the order, the newest first; it stands on the timeline too. */
export function Comments({
  id,
  facts,
  done,
}: {
  id: string;
  facts: readonly Schemas['FactShape'][];
  done: () => void;
}) {
  const { t } = useTranslation();
  const who = useWho();
  const said = facts.filter((fact) => fact.fact === COMMENT).reverse();
  return (
    <section aria-label={t('order.comments')}>
      <h2 className="section-title">{t('order.comments')}</h2>
      {may(who, 'write') && <Say id={id} done={done} />}
      {said.length === 0 && <p className="quiet">{t('order.noComments')}</p>}
      {said.map((fact) => (
        <div className="panel" key={fact.position}>
          <div className="quiet">
            {fact.operator} · {formatTime(fact.recorded_at)}
          </div>
          {fact.sentence}
        </div>
      ))}
    </section>
  );
}

function Say({ id, done }: { id: string; done: () => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const saying = useMutation({
    mutationFn: () =>
      told(api.POST('/api/v1/orders/{id}/comment', { params: { path: { id } }, body: { text } })),
    onSuccess: () => {
      setText('');
      done();
    },
  });
  return (
    <>
      {saying.error && <Alert type="error" showIcon title={saying.error.message} />}
      <form
        className="say"
        onSubmit={(event) => {
          event.preventDefault();
          saying.mutate();
        }}
      >
        <Input.TextArea
          autoSize={{ minRows: 1, maxRows: 4 }}
          maxLength={MOST}
          value={text}
          onChange={(event) => setText(event.target.value)}
          aria-label={t('order.comment')}
          placeholder={t('order.commentHint')}
        />
        <Button htmlType="submit" disabled={!text.trim()} loading={saying.isPending}>
          {t('order.say')}
        </Button>
      </form>
    </>
  );
}
